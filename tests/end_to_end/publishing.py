"""Runs the pipeline several times in one process: `python publishing.py STATE_ROOT RUNS`, RUNS a JSON list of settings.

Each run is as `make run` makes it, but for the process, whose imports take longer than the runs. A setting `REMOVE` names a
version to be removed by hand before the run, `ROLLBACK` a reason to take the served one back. Prints a line of JSON for each
run: its exit status, what it has printed, the versions that are published after it, and the models that were judged last.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

from ml_metadata import MetadataStore
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[2]))

from components.properties import number
from pipeline.config import RunConfig, local_config
from pipeline.local import connection, run
from pipeline.rollback import roll_back
from serving.versions import published_versions


def main(state: str, runs: str) -> None:
    """Runs them all."""
    for settings in json.loads(runs):
        config = local_config({"STATE_ROOT": state, **settings})
        if settings.get("REMOVE") == "newest":
            shutil.rmtree(list(published_versions(config.serving_root).values())[-1])
        if settings.get("ROLLBACK"):
            roll_back(config, MetadataStore(connection(config)), None, settings["ROLLBACK"])
        screen = io.StringIO()
        log = Path(state) / "run.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        status = run(config, Console(file=screen, width=200), log)
        print(
            json.dumps([status, screen.getvalue(), list(published_versions(config.serving_root)), judged(config)]),
            file=sys.__stdout__,
            flush=True,
        )


def judged(config: RunConfig) -> list[int]:
    """The ids of the model that was judged last, and of the one that it was compared with."""
    blessings = MetadataStore(connection(config)).get_artifacts_by_type("ModelBlessing")
    last = max(blessings, key=lambda one: one.id)
    return [number(last, "current_model_id"), number(last, "baseline_model_id")]


if __name__ == "__main__":
    main(*sys.argv[1:])
