"""The arguments that the steps' commands have in common."""

from __future__ import annotations

import argparse

# Covers what Kubeflow puts between two steps: a pod that waits for its machine.
LEASE_SECONDS = 1800


def option(name: str) -> str:
    """The command line's option of a parameter."""
    return f"--{name.replace('_', '-')}"


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what every step is told of its run."""
    parser.add_argument("--run-id", required=True, help="the run's id, the same for all its steps and attempts")
    parser.add_argument(
        "--lease-seconds", type=float, default=LEASE_SECONDS, help="how long the run may be silent before another takes over"
    )


def checked_run_id(run_id: str) -> str:
    """The run's id. Raises ValueError if Kubeflow has put none in."""
    if not run_id or "{{" in run_id:
        raise ValueError(
            f"`--run-id` must be the run's id, which Kubeflow Pipelines fills in from 2.5.0 on. Received: {run_id!r}."
        )
    return run_id
