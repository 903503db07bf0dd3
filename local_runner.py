"""Runs the pipeline on this machine: the file that `tfx pipeline create` and `tfx run create` execute.

Settings come from the environment, as for `community-din run`.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rich.console import Console

from pipeline.command import run_command
from pipeline.config import RunConfig


def _run(config: RunConfig, console: Console, log: Path) -> int:
    from pipeline.local import run

    return run(config, console, log)


if __name__ == "__main__":
    status = run_command("tfx run", _run, os.environ)
    if status:
        sys.exit(status)
