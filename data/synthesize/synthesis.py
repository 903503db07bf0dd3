"""Synthetic daily interaction CSVs: which rows go where, and the true click probability of each."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from data.auc import auc_of_counts
from data.csv_files import LAYOUTS, Layout, check_no_other_csvs, span_path, write_rows
from data.synthesize.bad_rows import BadRows
from data.synthesize.drift import Drift, population
from data.synthesize.interests import Impressions, InterestConfig, draw_impressions
from data.synthesize.profiles import Profiles, joined_names

CHUNK_ROWS = 4096
BAD_ROWS_FILE = "bad-rows.jsonl"


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
        bad_share: float. Bad rows planted per good row, beyond `rows`; see data/synthesize/bad_rows.py.
        drift: Drift. What changes from a day on, if anything; see data/synthesize/drift.py.
        interests: InterestConfig. What the rows look like.
    """

    rows: int = 30_000
    spans: int = 3
    seed: int = 0
    start_date: datetime.date = datetime.date(2026, 1, 1)
    layout: Layout = "files"
    eval_spans: int = 1
    bad_share: float = 0.0
    drift: Drift | None = None
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
        if not 0.0 <= self.bad_share <= 1.0:
            raise ValueError(f"`bad_share` must lie between 0 and 1. Received: {self.bad_share!r}.")
        if self.drift is not None and self.drift.start > self.day(self.spans - 1):
            raise ValueError(
                f"A drift must start by the last day, {self.day(self.spans - 1)}. Received: {self.drift.start}."
            )

    def day(self, span: int) -> datetime.date:
        """The day of the span numbered `span`, from 0."""
        return self.start_date + datetime.timedelta(days=span)

    def span_rows(self, span: int) -> int:
        """The number of rows of the span numbered `span`, from 0."""
        return self.rows // self.spans + (span < self.rows % self.spans)

    def path(self, root: Path, span: int) -> Path:
        """The CSV of the span numbered `span`, from 0."""
        return span_path(root, self.layout, self.day(span), in_eval=span >= self.spans - self.eval_spans)


@dataclasses.dataclass(frozen=True)
class Synthesis:
    """What was written. `oracle_auc` is the AUC of the true click probabilities: no model can expect more.

    `rows` and `clicks` count good rows; `bad_rows` counts the planted ones, by kind.
    """

    paths: tuple[Path, ...]
    rows: int
    clicks: int
    oracle_auc: float
    bad_rows: dict[str, int]


def generate_chunks(config: SynthesisConfig, span: int) -> Iterator[tuple[list[list[str]], Impressions]]:
    """The rows of one span as cells in the declared order of columns, with the draws behind them, chunk by chunk."""
    rows = config.span_rows(span)
    users = max(1, config.rows // config.interests.rows_per_user)
    drawn_from = population(config.interests.topics, config.day(span), config.drift)
    topic_names = drawn_from.topic_names
    keyword_names = [str(keyword) for keyword in range(config.interests.keywords)]
    profiles = Profiles(config.interests, config.seed, topic_names)
    for chunk, start in enumerate(range(0, rows, CHUNK_ROWS)):
        rng = np.random.default_rng([config.seed, span, chunk])
        user = rng.integers(0, users, min(CHUNK_ROWS, rows - start))
        followed, follows = profiles.follows(user)
        impressions = draw_impressions(config.interests, followed, rng)
        cells = zip(
            map(str, impressions.clicked.astype(int).tolist()),
            map(str, (100_000 + user).tolist()),
            map(str, (rng.random(len(user)) < drawn_from.client_share).astype(int).tolist()),
            map(str, (rng.random(len(user)) < 0.4).astype(int).tolist()),
            map(topic_names.__getitem__, impressions.topic.tolist()),
            follows,
            profiles.favourites(user, followed, span),
            joined_names(impressions.history_topics, impressions.length, topic_names),
            joined_names(impressions.history_keywords, impressions.length, keyword_names),
            map(keyword_names.__getitem__, impressions.keyword.tolist()),
            strict=True,
        )
        yield [list(row) for row in cells], impressions


def synthesize(config: SynthesisConfig, out: Path, truth: Path | None = None) -> Synthesis:
    """Writes the CSVs under `out`, and under `truth`, if given, what is true of them.

    For each CSV that is a .txt file of the same name with a good row's click probability a line, and for all of them
    `bad-rows.jsonl`, which names the bad rows' places and kinds, if any are planted.

    Raises:
        FileExistsError: `out` holds CSVs of other runs.
        ValueError: `truth` lies inside `out`.
    """
    paths = tuple(config.path(out, span) for span in range(config.spans))
    if truth is not None and truth.resolve().is_relative_to(out.resolve()):
        raise ValueError(f"`truth` must lie outside of `out` = {out}. Received: {truth}.")
    check_no_other_csvs(out, paths)
    counts: dict[float, list[int]] = {}
    with contextlib.ExitStack() as files:
        bad_truth = None
        if truth is not None and config.bad_share:
            bad_truth = _opened(files, truth / BAD_ROWS_FILE)
        elif truth is not None:
            (truth / BAD_ROWS_FILE).unlink(missing_ok=True)
        bad_rows = BadRows(config.bad_share, config.seed, bad_truth)
        for span, path in enumerate(paths):
            name = path.relative_to(out)
            with contextlib.ExitStack() as span_files:
                probabilities = None if truth is None else _opened(span_files, (truth / name).with_suffix(".txt"))
                chunks = _counted(config, span, counts, probabilities)
                write_rows(path, bad_rows.among(chunks, span, name.as_posix()))
    clicks = sum(positives for _, positives in counts.values())
    return Synthesis(paths, config.rows, clicks, auc_of_counts(counts), dict(bad_rows.counts))


def _opened(files: contextlib.ExitStack, path: Path) -> TextIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return files.enter_context(path.open("w", encoding="utf-8"))


def _counted(
    config: SynthesisConfig, span: int, counts: dict[float, list[int]], truth: TextIO | None
) -> Iterator[list[list[str]]]:
    for rows, impressions in generate_chunks(config, span):
        values, inverse = np.unique(impressions.probability, return_inverse=True)
        for number, value in enumerate(values.tolist()):
            clicked = impressions.clicked[inverse == number]
            seen = counts.setdefault(value, [0, 0])
            seen[0] += int(np.sum(~clicked))
            seen[1] += int(np.sum(clicked))
        if truth is not None:
            truth.writelines([f"{probability!r}\n" for probability in impressions.probability.tolist()])
        yield rows
