"""`community-din tune`: tries hyperparameters on the data of a run, and writes the best of them as a file of settings."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from ml_metadata import MetadataStore
from rich.console import Console
from rich.table import Table

from pipeline.config import RunConfig
from pipeline.errors import NodeError
from pipeline.local import connection, print_failure, run_nodes
from pipeline.pipeline import TUNER, TUNING
from pipeline.results import read_run
from trainer.tuning_settings import chosen, told

# As TFX's Tuner calls them.
_BEST = "best_hyperparameters.txt"
_TRIALS = "tuner_results.json"


def tune(config: RunConfig, out: Path, console: Console) -> int:
    """Tries combinations, prints how good they were, and writes the best to `out`. Returns the exit status."""
    try:
        run_ids = run_nodes(config, console, TUNING)
    except NodeError as failure:
        print_failure(failure, console)
        return 1
    for run_id in run_ids:
        record = read_run(MetadataStore(connection(config)), run_id)
        best = _read(record.one(TUNER, "best_hyperparameters").uri, _BEST)["values"]
        console.print(_table(_read(record.one(TUNER, "tuner_results").uri, _TRIALS)))
        partial = out.with_name(f".{out.name}.partial")
        out.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(yaml.safe_dump(told(chosen(config.hyperparameters, best), best), sort_keys=False))
        os.replace(partial, out)
        console.print(f"\nThe best are in {out}: make run CONFIG={out}", soft_wrap=True)
    return 0


def _read(folder: str, name: str) -> Any:
    return json.loads((Path(folder) / name).read_text())


def _table(trials: Sequence[Mapping[str, Any]]) -> Table:
    """The trials, the best first."""
    table = Table()
    names = [name for name in trials[0] if name not in ("trial_id", "score")]
    for name in (*names, "log loss"):
        table.add_column(name)
    for trial in trials:
        table.add_row(*(str(trial[name]) for name in names), f"{trial['score']:.5f}")
    return table
