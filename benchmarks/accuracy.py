"""How well the model ranks a log, beside what it must beat.

    python -m benchmarks.accuracy --data FOLDER --seeds 3 --ablations all --out var/accuracy

FOLDER is a data root as `make run` takes it: the newest day judges what earlier days train, or the `eval` folder what the
`train` folder does; of plain files, one client in five judges. All settings are the defaults. Writes `accuracy.json` and
`accuracy.md`, and prints the table: the mean over the seeds, and in brackets the largest less the smallest.

`--drop-newest 1` leaves out the newest day, so that settings can be chosen on days that do not judge. `--deepctr` adds
DeepCTR's DIN, in an environment of its own that is made first.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks._accuracy_baselines import click_rates, logistic_regression
from benchmarks._accuracy_data import Log, read_log, shortened
from benchmarks._accuracy_deepctr import deepctr_scores
from benchmarks._accuracy_din import ABLATIONS, HISTORIES, train_din
from benchmarks._accuracy_metrics import METRICS, measure
from trainer.hyperparameters import Hyperparameters
from transform.features import DECLARATION

STRENGTHS = (1.0, 0.1)
Result = dict[str, Any]


def run(log: Log, seeds: int, ablations: Sequence[str], environment: Path | None) -> Iterator[Result]:
    """Measures one model after the other; yields a result each: its name, and its measures by seed."""

    def measured(scores: np.ndarray) -> dict[str, float]:
        return measure(scores, log.judge.labels, log.judge.clients)

    known = log.known
    for name, scores in click_rates(known, log.judge, DECLARATION).items():
        yield _result(name, [measured(scores)])
    for strength in STRENGTHS:
        scores = logistic_regression(known, log.judge, DECLARATION, log.sizes, strength)
        yield _result(f"logistic regression, C={strength:g}", [measured(scores)])
    if environment is not None:
        found = [deepctr_scores(log, DECLARATION, seed, environment) for seed in range(seeds)]
        yield _result("DeepCTR's DIN", [measured(scores) for scores in found])
    for name in ablations:
        by_seed, epochs = [], []
        started = time.monotonic()
        rows = shortened(log, DECLARATION, HISTORIES[name]) if name in HISTORIES else log
        for seed in range(seeds):
            trained = train_din(rows, DECLARATION, Hyperparameters(**ABLATIONS[name]).replace(seed=seed))
            by_seed.append(measured(trained.scores) | {"best_epoch": trained.best_epoch})
            epochs.append([measured(scores) for scores in trained.by_epoch])
        yield _result(name, by_seed) | {"by_epoch": epochs, "seconds": round(time.monotonic() - started)}


def _result(name: str, by_seed: list[dict[str, float]]) -> Result:
    return {"model": name, "by_seed": by_seed}


def table(results: Sequence[Result]) -> str:
    """The results in Markdown."""
    lines = ["| model | AUC | GAUC | log loss | calibration | best epoch |", "|---|---|---|---|---|---|"]
    for result in results:
        cells = [_cell([seed[metric] for seed in result["by_seed"]]) for metric in METRICS]
        epochs = ", ".join(f"{seed['best_epoch']}" for seed in result["by_seed"] if "best_epoch" in seed)
        lines.append(f"| {result['model']} | {' | '.join(cells)} | {epochs} |")
    return "\n".join(lines)


def epochs_table(result: Result) -> str:
    """What each epoch is worth, in Markdown; the mean over the seeds that came so far."""
    lines = ["| epoch | AUC | GAUC | log loss | calibration |", "|---|---|---|---|---|"]
    for epoch in range(max(map(len, result["by_epoch"]))):
        seeds = [seed[epoch] for seed in result["by_epoch"] if epoch < len(seed)]
        cells = [_cell([seed[metric] for seed in seeds]) for metric in METRICS]
        lines.append(f"| {epoch + 1} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    spread = f" ({max(values) - min(values):.4f})" if len(values) > 1 else ""
    return f"{np.mean(values):.4f}{spread}"


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="data root")
    parser.add_argument("--drop-newest", type=int, default=0, help="newest days that are left out (%(default)s)")
    parser.add_argument("--seeds", type=int, default=3, help="(%(default)s)")
    parser.add_argument(
        "--ablations", nargs="*", default=list(ABLATIONS)[:2], help="`all`, or some of: " + "; ".join(ABLATIONS)
    )
    parser.add_argument("--deepctr", type=Path, metavar="FOLDER", help="folder of DeepCTR's environment, made if need be")
    parser.add_argument("--out", type=Path, help="folder for accuracy.json and accuracy.md")
    arguments = parser.parse_args(argv)
    names = list(ABLATIONS) if arguments.ablations == ["all"] else arguments.ablations
    if unknown := [name for name in names if name not in ABLATIONS]:
        print(f"error: `ablations` must be among {list(ABLATIONS)}. Received: {unknown}.", file=sys.stderr)
        return 2
    log = read_log(arguments.data, drop_newest=arguments.drop_newest)
    print(f"{len(log.train)} rows train, {len(log.validation)} tell when to stop, {len(log.judge)} judge", flush=True)
    results = []
    for result in run(log, arguments.seeds, names, arguments.deepctr):
        results.append(result)
        print(table([result]).splitlines()[-1], flush=True)
    text = table(results)
    for result in results:
        if "by_epoch" in result and result["model"] == names[0]:
            text += f"\n\n{result['model']}, by epoch\n\n{epochs_table(result)}"
    print(f"\n{text}")
    if arguments.out is not None:
        arguments.out.mkdir(parents=True, exist_ok=True)
        (arguments.out / "accuracy.json").write_text(json.dumps(results, indent=1))
        (arguments.out / "accuracy.md").write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
