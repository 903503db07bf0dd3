"""The shared metadata store of the steps: PostgreSQL, named by the environment."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

from kubeflow.postgresql_store import PostgresqlStore
from kubeflow.tls import relay
from kubeflow.tls_relay import DISABLE, MODES

PREFIX = "METADATA_"
REQUIRED = ("HOST", "PORT", "DATABASE", "USER", "PASSWORD")
_ATTEMPTS = 6


def connection_from_environment(environment: Mapping[str, str]) -> metadata_store_pb2.ConnectionConfig:
    """The connection that METADATA_HOST, _PORT, _DATABASE, _USER and _PASSWORD name.

    With METADATA_TLS, one of PostgreSQL's `sslmode`s, it is encrypted, by a relay of this process (kubeflow/tls.py); the
    server's certificate must be signed by METADATA_ROOT_CERTIFICATE (PEM) if that is given.

    Raises:
        ValueError: One of the first five is missing, the port is no number, or the server cannot be reached as METADATA_TLS
            asks for. No message holds the user or the password.
    """
    missing = [PREFIX + name for name in REQUIRED if not environment.get(PREFIX + name)]
    if missing:
        raise ValueError(f"The metadata store needs these environment variables. Missing: {', '.join(missing)}.")
    port = environment[PREFIX + "PORT"]
    if not port.isdecimal():
        raise ValueError(f"`{PREFIX}PORT` must be a number. Received: {port!r}.")
    mode = environment.get(PREFIX + "TLS", DISABLE)
    if mode not in MODES:
        raise ValueError(f"`{PREFIX}TLS` must be one of {', '.join(MODES)}. Received: {mode!r}.")
    host = environment[PREFIX + "HOST"]
    if mode != DISABLE:
        host = relay(host, int(port), mode, environment.get(PREFIX + "ROOT_CERTIFICATE")).folder
    return metadata_store_pb2.ConnectionConfig(
        postgresql=metadata_store_pb2.PostgreSQLDatabaseConfig(
            host=_quoted(host),
            port=port,
            dbname=_quoted(environment[PREFIX + "DATABASE"]),
            user=_quoted(environment[PREFIX + "USER"]),
            password=_quoted(environment[PREFIX + "PASSWORD"]),
            # The user of the steps need not be allowed to create databases.
            skip_db_creation=True,
        )
    )


def open_store(connection: metadata_store_pb2.ConnectionConfig, first_wait: float = 1.0) -> mlmd.MetadataStore:
    """Opens the store, which creates its tables in a new database.

    Waits for a database that does not answer yet, `first_wait` seconds at first, then twice as long each time; two steps
    that create the tables at once also need a second attempt.

    Raises:
        RuntimeError: The store could still not be opened. libpq tells why on standard error.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(first_wait * 2 ** (attempt - 1))
        try:
            return PostgresqlStore(connection)
        except (RuntimeError, mlmd.errors.StatusError) as error:
            failure = error
            logging.getLogger(__name__).warning("The metadata store did not open: %s", error)
    place = connection.postgresql
    raise RuntimeError(
        f"The metadata store must be reachable. Received: database {place.dbname} of user {place.user} at "
        f"{place.host}:{place.port}, which is not, after {_ATTEMPTS} attempts. {failure}"
    )


def _quoted(value: str) -> str:
    """The value as libpq reads it in a connection string, which ML Metadata builds without quotes."""
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
