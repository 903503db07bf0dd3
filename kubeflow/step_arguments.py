"""What the steps' commands have in common: arguments, and settings of libraries."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import warnings
from typing import Any

from pipeline.collection import collect_rarely

# Covers what Kubeflow puts between two steps: a pod that waits for its machine.
LEASE_SECONDS = 1800


def prepare_libraries() -> None:
    """Settings of libraries that must be made before they are imported."""
    collect_rarely()
    # TFX's images ask for Keras 2; the model is Keras 3.
    os.environ.pop("TF_USE_LEGACY_KERAS", None)
    # What a step prints is for people who look for the cause of a failure.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    os.environ.setdefault("GLOG_minloglevel", "1")
    warnings.simplefilter("ignore")


def say_when_ended() -> None:
    """Says so when Kubernetes ends the step, which then dies as it would have: otherwise the log just stops."""

    def say(number: int, _: Any) -> None:
        print(
            "Error: Kubernetes has ended this step: its `timeout_seconds` have passed, the run was terminated, or the pod "
            "had to leave its machine.",
            file=sys.stderr,
            flush=True,
        )
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, say)


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what every step is told of its run."""
    parser.add_argument("--run-id", required=True, help="the run's id, the same for all its steps and attempts")
    parser.add_argument("--config", required=True, help="the RunConfig that the package was compiled with, as JSON")
    parser.add_argument("--set", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter's value")
    parser.add_argument(
        "--lease-seconds", type=float, default=LEASE_SECONDS, help="how long the run may be silent before another takes over"
    )


def given_parameters(arguments: argparse.Namespace) -> dict[str, str]:
    """The parameters' values on the command line, by name."""
    return dict(arguments.set)


def checked_run_id(run_id: str) -> str:
    """The run's id. Raises ValueError if Kubeflow has put none in."""
    if not run_id or "{{" in run_id:
        raise ValueError(f"`--run-id` must be the run's id, which Kubeflow Pipelines fills in. Received: {run_id!r}.")
    return run_id
