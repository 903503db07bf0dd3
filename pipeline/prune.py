"""Removes old spans, models and metadata.

Nothing goes that a kept published version, the window or the next run needs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.table import Table

from pipeline.config import RunConfig

if TYPE_CHECKING:
    import ml_metadata as mlmd
    from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

    from pipeline.retention import Plan

_DAY_SECONDS = 86_400


def prune(
    config: RunConfig,
    connection: mlmd_pb2.ConnectionConfig,
    store: mlmd.MetadataStore,
    dry_run: bool,
) -> Table:
    """Removes what the retention lets go, what killed runs have left, and expired dead letters.

    Args:
        config: The configuration, whose `retention` says what stays.
        connection: The metadata store.
        store: The same, opened.
        dry_run: Only tell what would go.

    Returns:
        A table of what went and what stays.
    """
    from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
    from tfx.dsl.io import fileio

    from pipeline.leftovers import PRUNED, leftovers
    from pipeline.metadata_rows import delete_rows
    from pipeline.retention import plan as planned

    plan = planned(store, config.serving_root, config.window_spans, config.retention)
    days = config.retention.dead_letter_days
    expired = list(_expired(config, plan, days))
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
    table.add_row("Dead letters", _went(len(expired), dry_run), f"older than {days} days")
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
