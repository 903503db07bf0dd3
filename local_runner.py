"""Runs the pipeline on this machine: the file that `tfx pipeline create` and `tfx run create` execute.

Settings come from the environment; see `RunConfig.from_environment`. ENGINE is `local` (the default) or `beam`.
"""

from __future__ import annotations

import datetime
import os
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
# TFX's images ask for Keras 2; the model is Keras 3.
os.environ.pop("TF_USE_LEGACY_KERAS", None)

from pipeline.config import RunConfig
from pipeline.display import logged

ENGINES = ("local", "beam")


def main() -> int:
    """Runs once. Returns the exit status."""
    try:
        engine = os.environ.get("ENGINE") or "local"
        if engine not in ENGINES:
            raise ValueError(f"`ENGINE` must be one of {ENGINES}. Received: {engine!r}.")
        config = RunConfig.from_environment(os.environ)
    except ValueError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    log = config.log_root / f"{datetime.datetime.now():%Y%m%d-%H%M%S}.log"
    with logged(log) as console:
        # The imports take seconds and print: the log takes them, too.
        from pipeline.local import run

        return run(config, engine, console, log)


if __name__ == "__main__":
    status = main()
    if status:
        sys.exit(status)
