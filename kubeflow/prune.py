"""Removes old state of a cluster: `python -m kubeflow.prune [--dry-run]`, in a pod of the image.

Settings come from the environment, as for a local run; the metadata store as for a step (METADATA_HOST and its like). The
pipeline's lease is held meanwhile, so that no run is at work.
"""

from __future__ import annotations

import os
import sys
import uuid
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from kubeflow.step_arguments import LEASE_SECONDS
from pipeline.command import run_command
from pipeline.config import RunConfig


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
def main(dry_run: bool) -> None:
    """Remove old spans, models and metadata of a cluster, as `community-din prune` does of a machine."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from kubeflow.lease import LeaseError, Leases
        from kubeflow.store import connection_from_environment, open_store
        from pipeline.prune import prune

        connection = connection_from_environment(os.environ)
        store = open_store(connection)
        leases = Leases(store, config.pipeline_name, LEASE_SECONDS)
        name = f"prune-{uuid.uuid4()}"
        try:
            leases.acquire(name)
        except LeaseError as error:
            console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
            return 1
        try:
            console.print(prune(config, connection, store, dry_run))
        finally:
            leases.release(name)
        return 0

    sys.exit(run_command("prune", body, os.environ))


if __name__ == "__main__":
    main(prog_name="python -m kubeflow.prune")
