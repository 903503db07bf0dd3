"""What the commands on this machine have in common: settings, the log, the screen, errors of settings."""

from __future__ import annotations

import datetime
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from pipeline.config import RunConfig
from pipeline.display import logged
from pipeline.lock import StateInUseError, locked

ENGINES = ("local", "beam")

Body = Callable[[RunConfig, str, Console, Path], int]


def run_command(name: str, environment: Mapping[str, str], body: Body) -> int:
    """Calls `body` with the settings, the engine (ENGINE: `local` or `beam`), the console and the log's path.

    What the libraries print goes to the log; `body` does the imports that take seconds and print. No other command works on
    the same STATE_ROOT meanwhile; `name` is what it would be told.

    Returns:
        The exit status: the body's, or 1 after a line on standard error if a setting cannot be used, or another command is
        at work on the STATE_ROOT.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    # TFX's images ask for Keras 2; the model is Keras 3.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    try:
        engine = environment.get("ENGINE") or "local"
        if engine not in ENGINES:
            raise ValueError(f"`ENGINE` must be one of {ENGINES}. Received: {engine!r}.")
        config = RunConfig.from_environment(environment)
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    log = config.log_root / f"{datetime.datetime.now():%Y%m%d-%H%M%S}.log"
    try:
        with locked(config.state_root, name), logged(log) as console:
            return body(config, engine, console, log)
    except StateInUseError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
