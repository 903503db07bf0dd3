"""What the commands on this machine have in common: settings, the log, the screen, errors of settings."""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from rich.console import Console

from pipeline.collection import collect_rarely
from pipeline.config import RunConfig, local_config
from pipeline.display import logged
from pipeline.lock import StateInUseError, locked
from settings.files import write_text

Body = Callable[[RunConfig, Console, Path], int]


def run_command(
    name: str,
    body: Body,
    environment: Mapping[str, str],
    given: Mapping[str, str] | None = None,
    alone: bool = True,
    failure: int = 1,
) -> int:
    """Calls `body` with the configuration, the console and the log's path.

    What the libraries print goes to the log, after the configuration; `body` does the imports that take seconds and print.
    No other command works on the same STATE_ROOT meanwhile, unless this one is not `alone`.

    Args:
        name: What another command would be told is at work.
        body: What to do; returns the exit status.
        environment: The environment's variables.
        given: Settings by name that go before the environment's.
        alone: Whether it writes what other commands read or write. Such a one needs the STATE_ROOT for itself.
        failure: The exit status if the body cannot begin.

    Returns:
        The exit status: the body's, or `failure` after a line on standard error if a setting cannot be used, or another
        command is at work on the STATE_ROOT.
    """
    collect_rarely()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    # TFX's images ask for Keras 2; the model is Keras 3.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    try:
        config = local_config(environment, given)
    except ValueError as error:
        for line in str(error).splitlines():
            print(f"Error: {line}", file=sys.stderr)
        return failure
    log = config.log_root / f"{datetime.datetime.now():%Y%m%d-%H%M%S}.log"
    try:
        with locked(config.state_root, name) if alone else contextlib.nullcontext(), logged(log) as console:
            print(write_text(config), flush=True)
            return body(config, console, log)
    except StateInUseError as error:
        print(f"Error: {error}", file=sys.stderr)
        return failure
