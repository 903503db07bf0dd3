"""The shared metadata store of the steps: PostgreSQL, named by the environment."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.orchestration import metadata

from pipeline.kfp.escaped_store import EscapedStore

PREFIX = "METADATA_"
REQUIRED = ("HOST", "PORT", "DATABASE", "USER", "PASSWORD")
OPTIONAL = ("SSL_MODE", "SSL_ROOT_CERT")
_ATTEMPTS = 5


def connection_from_environment(environment: Mapping[str, str]) -> metadata_store_pb2.ConnectionConfig:
    """The connection that METADATA_HOST, _PORT, _DATABASE, _USER and _PASSWORD name; _SSL_MODE, _SSL_ROOT_CERT are optional.

    Raises:
        ValueError: One of them is missing, or the port is no number. No message holds a value but the port's.
    """
    missing = [PREFIX + name for name in REQUIRED if not environment.get(PREFIX + name)]
    if missing:
        raise ValueError(f"The metadata store needs these environment variables. Missing: {', '.join(missing)}.")
    port = environment[PREFIX + "PORT"]
    if not port.isdecimal():
        raise ValueError(f"`{PREFIX}PORT` must be a number. Received: {port!r}.")
    ssl = metadata_store_pb2.PostgreSQLDatabaseConfig.SSLOptions(
        sslmode=environment.get(PREFIX + "SSL_MODE") or None,
        sslrootcert=environment.get(PREFIX + "SSL_ROOT_CERT") or None,
    )
    return metadata_store_pb2.ConnectionConfig(
        postgresql=metadata_store_pb2.PostgreSQLDatabaseConfig(
            host=environment[PREFIX + "HOST"],
            port=port,
            dbname=environment[PREFIX + "DATABASE"],
            user=environment[PREFIX + "USER"],
            password=environment[PREFIX + "PASSWORD"],
            # The user of the steps need not be allowed to create databases.
            skip_db_creation=True,
            ssloption=ssl if ssl.sslmode or ssl.sslrootcert else None,
        )
    )


def open_store(connection: metadata_store_pb2.ConnectionConfig, first_wait: float = 1.0) -> mlmd.MetadataStore:
    """Opens the store, which creates its tables in a new database.

    Waits for a database that does not answer yet, `first_wait` seconds at first, then twice as long each time; two steps
    that create the tables at once also need a second attempt.

    Raises:
        RuntimeError or StatusError: The store could still not be opened.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return EscapedStore(connection)
        except (RuntimeError, mlmd.errors.StatusError) as error:
            wait = first_wait * 2**attempt
            logging.getLogger(__name__).warning("No metadata store yet, next try in %.0f s: %s", wait, error)
            time.sleep(wait)
    return EscapedStore(connection)


class Metadata(metadata.Metadata):
    """TFX's handle of the metadata store, with the store that `open_store` opens."""

    def __enter__(self) -> Metadata:
        self._store = open_store(self.connection_config)
        self._users += 1
        return self
