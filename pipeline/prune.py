"""Removes old spans, models and metadata: `python -m pipeline.prune [--dry-run]`.

Nothing goes that a kept published version, the window or the next run needs. Settings of the state come from the
environment, as for a run; with METADATA_HOST and its like, the metadata are those of Kubeflow's steps.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.command import run_command
from pipeline.config import RunConfig

if TYPE_CHECKING:
    import ml_metadata as mlmd
    from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

    from pipeline.retention import Plan

_DAY_SECONDS = 86_400
# Where this is set, the metadata store is a cluster's.
_HOST = "METADATA_HOST"


def prune(
    config: RunConfig,
    connection: mlmd_pb2.ConnectionConfig,
    store: mlmd.MetadataStore,
    plan: Plan,
    dead_letter_days: int,
    dry_run: bool,
) -> Table:
    """Removes what the plan lets go, what killed runs have left, and expired dead letters.

    Returns:
        A table of what went and what stays.
    """
    from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
    from tfx.dsl.io import fileio

    from pipeline.leftovers import PRUNED, leftovers
    from pipeline.metadata_rows import delete_rows

    expired = list(_expired(config, plan, dead_letter_days))
    going = {artifact.uri.rstrip("/") for artifact in plan.artifacts}
    left = [path for path in leftovers(store, config.pipeline_root, config.serving_root) if path not in going]
    size = sum(_size(path) for path in [*going, *plan.versions, *expired, *left])
    executions = 0
    if not dry_run:
        # A version that is asked for while it goes would fail half-way: out of sight first, then removed.
        for path in plan.versions:
            hidden = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}{PRUNED}")
            fileio.rename(path, hidden, overwrite=True)
            fileio.rmtree(hidden)
        for artifact in plan.artifacts:
            artifact.state = mlmd_pb2.Artifact.DELETED
        if plan.artifacts:
            # Marked before it is removed: an interrupted removal leaves files, and no artifact without them.
            store.put_artifacts(plan.artifacts)
        for path in [*(artifact.uri for artifact in plan.artifacts), *left]:
            if fileio.exists(path):
                fileio.rmtree(path)
        for path in expired:
            fileio.remove(path)
        executions = delete_rows(connection, plan.runs)
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Versions", _went(len(plan.versions), dry_run), f"stay: {', '.join(plan.kept_versions) or 'none'}")
    table.add_row("Artifacts", _went(len(plan.artifacts), dry_run), f"stay: {len(plan.kept_artifacts)}")
    table.add_row("Leftovers", _went(len(left), dry_run), "of killed runs")
    table.add_row("Dead letters", _went(len(expired), dry_run), f"older than {dead_letter_days} days")
    table.add_row("Size", f"{size / 1e6:.1f} MB")
    table.add_row(
        "Metadata", "" if dry_run else f"{executions} executions forgotten", f"runs that stay: {len(plan.kept_runs)}"
    )
    return table


def _went(count: int, dry_run: bool) -> str:
    return f"{count} would be removed" if dry_run else f"{count} removed"


def _expired(config: RunConfig, plan: Plan, days: int) -> Iterator[str]:
    """Dead letters beside the examples that stay, and those that failed runs have left, older than so many days."""
    now = time.time()
    failed = Path(config.pipeline_root).glob("example_gen/.system/stateful_working_dir/*")
    for folder in [*(Path(artifact.uri) for artifact in plan.kept_artifacts), *failed]:
        for path in folder.glob("dead_letters-*"):
            if now - path.stat().st_mtime > days * _DAY_SECONDS:
                yield str(path)


def _size(path: str) -> int:
    found = Path(path)
    return sum(file.stat().st_size for file in ([found] if found.is_file() else found.rglob("*")) if file.is_file())


@contextlib.contextmanager
def _opened(
    config: RunConfig, environment: Mapping[str, str]
) -> Iterator[tuple[mlmd_pb2.ConnectionConfig, mlmd.MetadataStore]]:
    """The metadata store: that of the cluster if the environment names its host, else the file in STATE_ROOT.

    On the cluster the pipeline's lease is held meanwhile, so that no run is at work.
    """
    if not environment.get(_HOST):
        import ml_metadata as mlmd
        from tfx.orchestration import metadata

        connection = metadata.sqlite_metadata_connection_config(config.metadata_path)
        yield connection, mlmd.MetadataStore(connection)
        return
    from pipeline.kfp.command import LEASE_SECONDS
    from pipeline.kfp.lease import Leases
    from pipeline.kfp.store import connection_from_environment, open_store

    connection = connection_from_environment(environment)
    store = open_store(connection)
    leases = Leases(store, config.pipeline_name, LEASE_SECONDS)
    name = f"prune-{uuid.uuid4()}"
    leases.acquire(name)
    try:
        yield connection, store
    finally:
        leases.release(name)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.prune", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--keep-spans", type=int, default=30, help="newest spans to keep (%(default)s)")
    parser.add_argument("--keep-versions", type=int, default=3, help="newest published versions to keep (%(default)s)")
    parser.add_argument("--keep-runs", type=int, default=3, help="newest runs to keep (%(default)s)")
    parser.add_argument("--dead-letter-days", type=int, default=30, help="how long rejected rows are kept (%(default)s)")
    parser.add_argument("--pin", nargs="*", default=[], metavar="VERSION", help="further published versions to keep")
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status."""
    arguments = _parser().parse_args(argv)

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.kfp.lease import LeaseError
        from pipeline.retention import Retention, plan

        try:
            if not os.environ.get(_HOST) and not os.path.exists(config.metadata_path):
                raise ValueError(f"`STATE_ROOT` must hold the state of earlier runs. Received: {config.state_root}.")
            retention = Retention(
                arguments.keep_spans,
                arguments.keep_versions,
                arguments.keep_runs,
                arguments.dead_letter_days,
                tuple(arguments.pin),
            )
        except ValueError as error:
            console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
            return 1
        try:
            with _opened(config, os.environ) as (connection, store):
                planned = plan(store, config.serving_root, config.window_spans, retention)
                console.print(prune(config, connection, store, planned, retention.dead_letter_days, arguments.dry_run))
        except LeaseError as error:
            console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
            return 1
        return 0

    return run_command("prune", body, os.environ)


if __name__ == "__main__":
    sys.exit(main())
