"""Work on a cluster's state by hand, while no run is at work: the pipeline's lease is held meanwhile."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from pipeline.config import RunConfig

if TYPE_CHECKING:
    import ml_metadata as mlmd
    from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
    from rich.console import RenderableType

    Work = Callable[[mlmd_pb2.ConnectionConfig, mlmd.MetadataStore], RenderableType]


def leased(config: RunConfig, console: Console, purpose: str, lease_seconds: int, work: Work) -> int:
    """Does work on the metadata store that the environment names, and prints what it returns.

    Args:
        config: The configuration.
        console: Where to print.
        purpose: What the lease is held for.
        lease_seconds: How long this may be silent before a run takes over.
        work: Takes the store's connection and the store, and returns what to tell.

    Returns:
        The exit status: 1 after a line if a run is at work, or the work's ValueError.
    """
    from kubeflow.lease import LeaseError, Leases, renewed
    from kubeflow.store import connection_from_environment, open_store

    connection = connection_from_environment(os.environ)

    def open_leases() -> Leases:
        return Leases(open_store(connection), config.pipeline_name, lease_seconds)

    name = f"{purpose}-{uuid.uuid4()}"
    try:
        open_leases().acquire(name)
    except LeaseError as error:
        console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
        return 1
    try:
        with renewed(open_leases, name, lease_seconds / 4):
            console.print(work(connection, open_store(connection)), soft_wrap=True)
    except ValueError as error:
        console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
        return 1
    finally:
        open_leases().release(name)
    return 0
