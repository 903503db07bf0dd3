"""Writes daily interaction CSVs with a planted local-activation signal, and the true click probability of every row.

    python -m data.synthesize --out DIR --rows 100000 --spans 7 --seed 0

The same arguments give the same bytes. Rows are drawn and written in chunks: memory does not grow with `--rows`. What
is planted, and why no single column shows it, is told in data/interests.py; every parameter there is a flag here.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import datetime
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

import numpy as np

from data.auc import auc_from_counts
from data.csv_files import LAYOUTS, Layout, check_no_other_csvs, span_path, write_rows
from data.interests import Impressions, InterestConfig, draw_impressions
from data.profiles import Profiles
from transform.features import LIST_SEPARATOR

CHUNK_ROWS = 4096


@dataclasses.dataclass(frozen=True)
class SynthesisConfig:
    """How many rows go where.

    Args:
        rows: int. Rows over all spans; the first spans get the remainder.
        spans: int. Number of daily spans.
        seed: int. Seed of all randomness.
        start_date: date. Day of the first span.
        layout: str. `files`, `folders` or `train-eval`.
        eval_spans: int. With `train-eval`, how many of the last spans are for evaluation.
        interests: InterestConfig. What the rows look like.
    """

    rows: int = 30_000
    spans: int = 3
    seed: int = 0
    start_date: datetime.date = datetime.date(2026, 1, 1)
    layout: Layout = "files"
    eval_spans: int = 1
    interests: InterestConfig = dataclasses.field(default_factory=InterestConfig)

    def __post_init__(self) -> None:
        if self.rows < 1:
            raise ValueError(f"`rows` must be positive. Received: {self.rows!r}.")
        if not 1 <= self.spans <= self.rows:
            raise ValueError(f"`spans` must lie between 1 and `rows` = {self.rows}. Received: {self.spans!r}.")
        if self.seed < 0:
            raise ValueError(f"`seed` must not be negative. Received: {self.seed!r}.")
        if self.layout not in LAYOUTS:
            raise ValueError(f"`layout` must be one of {LAYOUTS}. Received: {self.layout!r}.")
        if self.layout == "train-eval" and not 1 <= self.eval_spans < self.spans:
            raise ValueError(
                f"`eval_spans` must lie between 1 and `spans` - 1 = {self.spans - 1}. Received: {self.eval_spans!r}."
            )

    def span_rows(self, span: int) -> int:
        """The number of rows of the span numbered `span`, from 0."""
        return self.rows // self.spans + (span < self.rows % self.spans)

    def path(self, root: Path, span: int) -> Path:
        """The CSV of the span numbered `span`, from 0."""
        day = self.start_date + datetime.timedelta(days=span)
        return span_path(root, self.layout, day, in_eval=span >= self.spans - self.eval_spans)


@dataclasses.dataclass(frozen=True)
class Synthesis:
    """What was written. `oracle_auc` is the AUC of the true click probabilities: no model can expect more."""

    paths: tuple[Path, ...]
    rows: int
    clicks: int
    oracle_auc: float


def generate_chunks(config: SynthesisConfig, span: int) -> Iterator[tuple[list[list[str]], Impressions]]:
    """The rows of one span as cells in the declared order of columns, with the draws behind them, chunk by chunk."""
    rows = config.span_rows(span)
    users = max(1, config.rows // config.interests.rows_per_user)
    profiles = Profiles(config.interests, config.seed)
    for chunk, start in enumerate(range(0, rows, CHUNK_ROWS)):
        rng = np.random.default_rng([config.seed, span, chunk])
        user = rng.integers(0, users, min(CHUNK_ROWS, rows - start))
        followed, follows = profiles.follows(user)
        impressions = draw_impressions(config.interests, followed, rng)
        cells = zip(
            map(str, impressions.clicked.astype(int).tolist()),
            map(str, (100_000 + user).tolist()),
            map(str, (rng.random(len(user)) < 0.3).astype(int).tolist()),
            map(str, (rng.random(len(user)) < 0.4).astype(int).tolist()),
            map(str, impressions.topic.tolist()),
            follows,
            profiles.favourites(user, followed, span),
            _joined(impressions.history_topics.tolist(), impressions.length.tolist()),
            _joined(impressions.history_keywords.tolist(), impressions.length.tolist()),
            map(str, impressions.keyword.tolist()),
            strict=True,
        )
        yield [list(row) for row in cells], impressions


def synthesize(config: SynthesisConfig, out: Path, truth: Path | None = None) -> Synthesis:
    """Writes the CSVs under `out`; under `truth`, if given, one probability a line in .txt files of the same names.

    Raises:
        FileExistsError: `out` holds CSVs of other runs.
        ValueError: `truth` lies inside `out`.
    """
    paths = tuple(config.path(out, span) for span in range(config.spans))
    if truth is not None and truth.resolve().is_relative_to(out.resolve()):
        raise ValueError(f"`truth` must lie outside of `out` = {out}. Received: {truth}.")
    check_no_other_csvs(out, paths)
    counts: dict[float, list[int]] = {}
    written = 0
    for span, path in enumerate(paths):
        with contextlib.ExitStack() as stack:
            file: TextIO | None = None
            if truth is not None:
                target = (truth / path.relative_to(out)).with_suffix(".txt")
                target.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(target.open("w", encoding="utf-8"))
            written += write_rows(path, _counted(config, span, counts, file))
    clicks = sum(positives for _, positives in counts.values())
    return Synthesis(paths, written, clicks, auc_from_counts(counts))


def _counted(
    config: SynthesisConfig, span: int, counts: dict[float, list[int]], truth: TextIO | None
) -> Iterator[list[str]]:
    for rows, impressions in generate_chunks(config, span):
        probabilities = impressions.probability.tolist()
        for probability, clicked in zip(probabilities, impressions.clicked.tolist(), strict=True):
            counts.setdefault(probability, [0, 0])[clicked] += 1
        if truth is not None:
            truth.writelines(f"{probability!r}\n" for probability in probabilities)
        yield from rows


def _joined(entries: list[list[int]], lengths: list[int]) -> Iterator[str]:
    for row, length in zip(entries, lengths, strict=True):
        yield LIST_SEPARATOR.join(map(str, row[:length]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m data.synthesize", description=(__doc__ or "").splitlines()[0])
    default = SynthesisConfig()
    parser.add_argument("--out", type=Path, required=True, help="folder to write the CSVs into")
    parser.add_argument("--truth", type=Path, help="folder for the true probabilities (default: OUT.truth beside OUT)")
    parser.add_argument("--rows", type=int, default=default.rows, help="rows over all spans (%(default)s)")
    parser.add_argument("--spans", type=int, default=default.spans, help="daily spans (%(default)s)")
    parser.add_argument("--seed", type=int, default=default.seed, help="same seed, same bytes (%(default)s)")
    parser.add_argument(
        "--start-date", type=datetime.date.fromisoformat, default=default.start_date, help="first day (%(default)s)"
    )
    parser.add_argument("--layout", choices=LAYOUTS, default=default.layout, help="where files lie (%(default)s)")
    parser.add_argument(
        "--eval-spans", type=int, default=default.eval_spans, help="last spans that evaluate, train-eval (%(default)s)"
    )
    group = parser.add_argument_group("impressions", "explained in data/interests.py, InterestConfig")
    for field in dataclasses.fields(InterestConfig):
        flag = "--" + field.name.replace("_", "-")
        group.add_argument(flag, type=type(field.default), default=field.default, help="(%(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 2, with one line of explanation, when the arguments cannot be used."""
    arguments = vars(_parser().parse_args(argv))
    out, truth = arguments.pop("out"), arguments.pop("truth")
    try:
        interests = InterestConfig(**{f.name: arguments.pop(f.name) for f in dataclasses.fields(InterestConfig)})
        config = SynthesisConfig(interests=interests, **arguments)
        truth = truth or out.resolve().with_name(f"{out.resolve().name}.truth")
        result = synthesize(config, out, truth)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(f"rows         {result.rows} in {len(result.paths)} files under {out}")
    print(f"click rate   {result.clicks / result.rows:.4f}")
    print(f"oracle AUC   {result.oracle_auc:.4f}   true probabilities under {truth}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
