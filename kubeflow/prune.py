"""Removes old state of a cluster: `python -m kubeflow.prune [--dry-run]`, in a pod of the image.

Settings come from the environment, as for a local run; the metadata store as for a step (METADATA_HOST and its like). The
pipeline's lease is held meanwhile, so that no run is at work.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click
from rich.console import Console

from kubeflow.step_arguments import LEASE_SECONDS
from pipeline.command import run_command
from pipeline.config import RunConfig


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.option(
    "--lease-seconds",
    default=LEASE_SECONDS,
    show_default=True,
    help="How long this command may be silent before a run takes over.",
)
def main(dry_run: bool, lease_seconds: int) -> None:
    """Remove old spans, models and metadata of a cluster, as `community-din prune` does of a machine."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from kubeflow.leased import leased
        from pipeline.prune import prune

        return leased(
            config, console, "prune", lease_seconds, lambda connection, store: prune(config, connection, store, dry_run)
        )

    sys.exit(run_command("prune", body, os.environ))


if __name__ == "__main__":
    main(prog_name="python -m kubeflow.prune")
