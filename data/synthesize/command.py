"""Writes daily interaction CSVs with a planted local-activation signal, and the true click probability of every row.

    python -m data.synthesize --out DIR --rows 100000 --spans 7 --seed 0

The same arguments give the same bytes. Rows are drawn and written in chunks: memory does not grow with `--rows`. What
is planted, and why no single column shows it, is told in data/synthesize/interests.py; every parameter there is a flag here.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from data.csv_files import LAYOUTS
from data.synthesize.drift import DRIFT_KINDS, Drift, DriftKind
from data.synthesize.interests import InterestConfig
from data.synthesize.synthesis import BAD_ROWS_FILE, Synthesis, SynthesisConfig, synthesize

__all__ = ["SynthesisConfig", "main", "synthesize"]


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
    parser.add_argument(
        "--bad-share", type=float, default=default.bad_share, help="bad rows planted per good row (%(default)s)"
    )
    parser.add_argument(
        "--drift-from", type=datetime.date.fromisoformat, metavar="DATE", help="first day of a drift (none drifts)"
    )
    parser.add_argument("--drift-kind", choices=DRIFT_KINDS, help=f"what drifts ({Drift.kind})")
    group = parser.add_argument_group("impressions", "explained in data/synthesize/interests.py, InterestConfig")
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
        drift = _drift(arguments.pop("drift_from"), arguments.pop("drift_kind"))
        config = SynthesisConfig(interests=interests, drift=drift, **arguments)
        truth = truth or out.resolve().with_name(f"{out.resolve().name}.truth")
        result = synthesize(config, out, truth)
    except (ValueError, OverflowError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(_summary(result, config, out, truth)))
    return 0


def _drift(start: datetime.date | None, kind: DriftKind | None) -> Drift | None:
    if start is None:
        if kind is not None:
            raise ValueError(f"`drift_kind` must come with `drift_from`. Received: {kind!r} alone.")
        return None
    return Drift(start) if kind is None else Drift(start, kind)


def _summary(result: Synthesis, config: SynthesisConfig, out: Path, truth: Path) -> Iterator[str]:
    yield f"rows         {result.rows} in {len(result.paths)} files under {out}"
    yield f"click rate   {result.clicks / result.rows:.4f}"
    yield f"oracle AUC   {result.oracle_auc:.4f}   true probabilities under {truth}"
    if config.bad_share:
        bad = sum(result.bad_rows.values())
        yield f"bad rows     {bad} of {len(result.bad_rows)} kinds, told in {truth / BAD_ROWS_FILE}"
    if config.drift is not None:
        yield f"drift        {config.drift.kind}, from {config.drift.start} on"
