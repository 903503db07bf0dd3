"""Operates on what a cluster has published: `python -m kubeflow.operate COMMAND`, in a pod of the image.

Settings come from the environment, as for a local run; the metadata store as for a step (METADATA_HOST and its like).
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

_version = click.option("--version", type=int, help="The number of a published version.")
_lease = click.option(
    "--lease-seconds",
    default=LEASE_SECONDS,
    show_default=True,
    help="How long this command may be silent before a run takes over.",
)


@click.group()
def main() -> None:
    """The commands of `community-din` of the same names, on a cluster's metadata store."""


@main.command()
def versions() -> None:
    """List the published versions, and which is served, compared with, or rolled back."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from kubeflow.store import connection_from_environment, open_store
        from pipeline.versions import print_versions

        print_versions(config, open_store(connection_from_environment(os.environ)), console)
        return 0

    sys.exit(run_command("versions", body, os.environ, alone=False))


@main.command()
@_version
def lineage(version: int | None) -> None:
    """Tell where a version comes from: its model, rows, files and settings."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from kubeflow.store import connection_from_environment, open_store
        from pipeline.version_lineage import print_lineage

        print_lineage(config, open_store(connection_from_environment(os.environ)), version, console)
        return 0

    sys.exit(run_command("lineage", body, os.environ, alone=False))


@main.command()
@_version
@click.option("--reason", default="", help="Why; it is recorded.")
@_lease
def rollback(version: int | None, reason: str, lease_seconds: int) -> None:
    """Serve an earlier version's model again, and compare the next one with it."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from kubeflow.leased import leased
        from pipeline.canary import after_rollback
        from pipeline.rollback import roll_back, told

        def work(_: object, store: object) -> str:
            done = roll_back(config, store, version, reason)
            return "\n".join(filter(None, [told(done), after_rollback(config, done.as_version, done.taken_back)]))

        return leased(config, console, "rollback", lease_seconds, work)

    sys.exit(run_command("rollback", body, os.environ))


@main.command()
@_version
@_lease
def canary(version: int | None, lease_seconds: int) -> None:
    """Label a version `canary`, by default the newest; the one that is served is `stable`."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from kubeflow.leased import leased
        from pipeline.canary import start_canary

        return leased(config, console, "canary", lease_seconds, lambda _, store: start_canary(config, store, version))

    sys.exit(run_command("canary", body, os.environ))


@main.command()
@_version
@_lease
def promote(version: int | None, lease_seconds: int) -> None:
    """Make the canary the stable version."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from kubeflow.leased import leased
        from pipeline.canary import promote as promote_version

        return leased(config, console, "promote", lease_seconds, lambda _, store: promote_version(config, version))

    sys.exit(run_command("promote", body, os.environ))


if __name__ == "__main__":
    main(prog_name="python -m kubeflow.operate")
