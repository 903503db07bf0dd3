"""Deletes the rows of forgotten runs from a SQLite metadata store; ML Metadata itself can only mark them as deleted."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence

from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from components.lineage import PIPELINE_RUN

# The tables' version that the statements below were written for (ML Metadata 1.17 and 1.21).
SCHEMA_VERSION = 10

_STATEMENTS = (
    # Deleted artifacts, and the events that tell of them.
    "DELETE FROM EventPath WHERE event_id IN"
    " (SELECT e.id FROM Event e JOIN Artifact a ON a.id = e.artifact_id WHERE a.state = :deleted)",
    "DELETE FROM Event WHERE artifact_id IN (SELECT id FROM Artifact WHERE state = :deleted)",
    "DELETE FROM Attribution WHERE artifact_id IN (SELECT id FROM Artifact WHERE state = :deleted)",
    "DELETE FROM ArtifactProperty WHERE artifact_id IN (SELECT id FROM Artifact WHERE state = :deleted)",
    "DELETE FROM Artifact WHERE state = :deleted",
    # Executions of forgotten runs that no artifact remembers.
    "CREATE TEMP TABLE gone AS SELECT DISTINCT execution_id AS id FROM Association"
    " WHERE context_id IN (SELECT id FROM forgotten) AND execution_id NOT IN (SELECT execution_id FROM Event)",
    "DELETE FROM Association WHERE execution_id IN (SELECT id FROM gone)",
    "DELETE FROM ExecutionProperty WHERE execution_id IN (SELECT id FROM gone)",
    "DELETE FROM Execution WHERE id IN (SELECT id FROM gone)",
    # The runs themselves, and cache entries, once nothing belongs to them.
    "CREATE TEMP TABLE empty AS SELECT c.id FROM Context c JOIN Type t ON t.id = c.type_id"
    " WHERE (c.id IN (SELECT id FROM forgotten) OR t.name = 'execution_cache')"
    " AND c.id NOT IN (SELECT context_id FROM Association) AND c.id NOT IN (SELECT context_id FROM Attribution)",
    "DELETE FROM ParentContext WHERE context_id IN (SELECT id FROM empty) OR parent_context_id IN (SELECT id FROM empty)",
    "DELETE FROM ContextProperty WHERE context_id IN (SELECT id FROM empty)",
    "DELETE FROM Context WHERE id IN (SELECT id FROM empty)",
)


def delete_rows(metadata_path: str, runs: Sequence[int]) -> int:
    """Deletes artifacts marked as deleted, and runs that have nothing else, in one transaction.

    Args:
        metadata_path: The SQLite file.
        runs: The ids of the runs' contexts.

    Returns:
        How many executions were deleted.

    Raises:
        RuntimeError: The store's tables are of another version than these statements.
    """
    with contextlib.closing(sqlite3.connect(metadata_path)) as database, database:
        (version,) = database.execute("SELECT schema_version FROM MLMDEnv").fetchone()
        if version != SCHEMA_VERSION:
            raise RuntimeError(f"The metadata store's schema must be version {SCHEMA_VERSION}. Received: {version}.")
        before = _executions(database)
        database.execute("CREATE TEMP TABLE forgotten (id INTEGER PRIMARY KEY)")
        database.executemany(
            "INSERT INTO forgotten SELECT c.id FROM Context c JOIN Type t ON t.id = c.type_id WHERE c.id = ? AND t.name = ?",
            [(run, PIPELINE_RUN) for run in runs],
        )
        for statement in _STATEMENTS:
            database.execute(statement, {"deleted": mlmd_pb2.Artifact.DELETED} if ":deleted" in statement else {})
        return before - _executions(database)


def _executions(database: sqlite3.Connection) -> int:
    return int(database.execute("SELECT count(*) FROM Execution").fetchone()[0])
