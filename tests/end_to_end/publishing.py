"""Runs the pipeline several times in one process: `python publishing.py STATE_ROOT RUNS`, RUNS a JSON list of settings.

Each run is as `make run` makes it, but for the process, whose imports take longer than the runs. A setting `REMOVE` names a
version to be removed by hand before the run. Prints a line of JSON for each run: its exit status, what it has printed, and
the versions that are published after it.
"""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[2]))

from pipeline.config import local_config
from pipeline.local import run
from serving.versions import published_versions


def main(state: str, runs: str) -> None:
    """Runs them all."""
    for settings in json.loads(runs):
        config = local_config({"STATE_ROOT": state, **settings})
        if settings.get("REMOVE") == "newest":
            shutil.rmtree(list(published_versions(config.serving_root).values())[-1])
        screen = io.StringIO()
        log = Path(state) / "run.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.touch()
        status = run(config, Console(file=screen, width=200), log)
        print(
            json.dumps([status, screen.getvalue(), list(published_versions(config.serving_root))]),
            file=sys.__stdout__,
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
