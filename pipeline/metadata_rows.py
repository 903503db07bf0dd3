"""Deletes the rows of forgotten runs from a metadata store; ML Metadata itself can only mark them as deleted."""

from __future__ import annotations

from collections.abc import Sequence

from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2

from components.lineage import PIPELINE_RUN
from pipeline.metadata_transaction import Cursor, transaction

# The tables' version that the statements below were written for (ML Metadata 1.17 and 1.21).
SCHEMA_VERSION = 10

_DELETED = int(mlmd_pb2.Artifact.DELETED)
# Both databases understand them: unquoted names, which PostgreSQL reads in lower case, and no parameters, which the drivers
# write differently.
_STATEMENTS = (
    # Deleted artifacts, and the events that tell of them.
    "DELETE FROM EventPath WHERE event_id IN"
    " (SELECT e.id FROM Event e JOIN Artifact a ON a.id = e.artifact_id WHERE a.state = {deleted})",
    "DELETE FROM Event WHERE artifact_id IN (SELECT id FROM Artifact WHERE state = {deleted})",
    "DELETE FROM Attribution WHERE artifact_id IN (SELECT id FROM Artifact WHERE state = {deleted})",
    "DELETE FROM ArtifactProperty WHERE artifact_id IN (SELECT id FROM Artifact WHERE state = {deleted})",
    "DELETE FROM Artifact WHERE state = {deleted}",
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


def delete_rows(connection: mlmd_pb2.ConnectionConfig, runs: Sequence[int]) -> int:
    """Deletes artifacts marked as deleted, and runs that have nothing else, in one transaction.

    Args:
        connection: The store: SQLite or PostgreSQL.
        runs: The ids of the runs' contexts.

    Returns:
        How many executions were deleted.

    Raises:
        RuntimeError: The store's tables are of another version than these statements.
    """
    with transaction(connection) as cursor:
        version = _number(cursor, "SELECT schema_version FROM MLMDEnv")
        if version != SCHEMA_VERSION:
            raise RuntimeError(f"The metadata store's schema must be version {SCHEMA_VERSION}. Received: {version}.")
        before = _number(cursor, "SELECT count(*) FROM Execution")
        cursor.execute("CREATE TEMP TABLE forgotten (id INTEGER PRIMARY KEY)")
        for run in runs:
            cursor.execute(
                "INSERT INTO forgotten SELECT c.id FROM Context c JOIN Type t ON t.id = c.type_id"
                f" WHERE c.id = {int(run)} AND t.name = '{PIPELINE_RUN}'"
            )
        for statement in _STATEMENTS:
            cursor.execute(statement.format(deleted=_DELETED))
        return before - _number(cursor, "SELECT count(*) FROM Execution")


def _number(cursor: Cursor, query: str) -> int:
    cursor.execute(query)
    return int(cursor.fetchone()[0])
