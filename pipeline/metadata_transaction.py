"""A transaction on the tables of a metadata store, be it SQLite or PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Iterator
from typing import Any, Protocol

from ml_metadata.proto import metadata_store_pb2


class Cursor(Protocol):
    """What both drivers have of Python's database interface."""

    def execute(self, operation: str, /) -> Any: ...

    def fetchone(self) -> Any: ...


@contextlib.contextmanager
def transaction(connection: metadata_store_pb2.ConnectionConfig) -> Iterator[Cursor]:
    """Statements on a store's tables, which all hold or none.

    Raises:
        ValueError: The store is neither SQLite nor PostgreSQL.
    """
    kind = connection.WhichOneof("config")
    if kind not in ("sqlite", "postgresql"):
        raise ValueError(f"The metadata store must be SQLite or PostgreSQL. Received: {kind}.")
    database = sqlite3.connect(connection.sqlite.filename_uri) if kind == "sqlite" else _postgresql(connection.postgresql)
    with contextlib.closing(database):
        try:
            yield database.cursor()
        except BaseException:
            database.rollback()
            raise
        database.commit()


def _postgresql(place: metadata_store_pb2.PostgreSQLDatabaseConfig) -> Any:
    import pg8000.dbapi

    host = _unquoted(place.host)
    # As for libpq, a folder is that of a socket.
    where = {"unix_sock": os.path.join(host, f".s.PGSQL.{place.port}")} if host.startswith("/") else {"host": host}
    return pg8000.dbapi.connect(
        user=_unquoted(place.user),
        password=_unquoted(place.password),
        database=_unquoted(place.dbname),
        port=int(place.port),
        **where,
    )


def _unquoted(value: str) -> str:
    """The inverse of how values are quoted for libpq."""
    return re.sub(r"\\(.)", r"\1", value[1:-1], flags=re.DOTALL) if value.startswith("'") else value
