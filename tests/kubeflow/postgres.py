"""A PostgreSQL server of its own, for a test."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from serving.server.process import free_port
from tests.tools import missing

USER = "din"
DATABASE = "metadata"


@dataclasses.dataclass(frozen=True)
class Server:
    """Where a database is, and who may use it: a user without further rights."""

    host: str
    port: int
    password: str
    user: str = USER
    database: str = DATABASE


@contextlib.contextmanager
def postgres(certificate: tuple[bytes, bytes] | None = None) -> Iterator[Server]:
    """Runs a server with one empty database. Where PostgreSQL is not installed, `missing` ends the test.

    With a certificate and its key, both PEM, it takes encrypted connections only.
    """
    binaries = _binaries()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    as_user: list[str] = []
    if os.geteuid() == 0:
        # The server refuses to run as root.
        as_user = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        shutil.chown(folder, "nobody", "nogroup")
    # A password may hold anything.
    server = Server("127.0.0.1", free_port(), f"{secrets.token_hex(16)} '\\\\ü=\"{{")
    log = folder / "log"

    def call(*command: str) -> None:
        run = subprocess.run([*as_user, *command], capture_output=True, text=True, cwd=folder, check=False)
        if run.returncode:
            raise RuntimeError(f"{command[0]} failed: {run.stdout}{run.stderr}{log.read_text() if log.exists() else ''}")

    data = str(folder / "data")
    try:
        call(str(binaries / "initdb"), "-D", data, "-U", "admin", "--auth-local=trust", "--auth-host=scram-sha-256", "-N")
        options = f"-c listen_addresses={server.host} -c port={server.port} -c unix_socket_directories={folder} -c fsync=off"
        if certificate is not None:
            options += " -c ssl=on"
            for name, content in zip(("server.crt", "server.key"), certificate, strict=True):
                path = Path(data) / name
                path.write_bytes(content)
                path.chmod(0o600)
                if as_user:
                    shutil.chown(path, "nobody", "nogroup")
            (Path(data) / "pg_hba.conf").write_text("local all all trust\nhostssl all all all scram-sha-256\n")
        call(str(binaries / "pg_ctl"), "-D", data, "-l", str(log), "-w", "-o", options, "start")
        password = server.password.replace("'", "''")
        sql = f"CREATE ROLE {USER} LOGIN PASSWORD '{password}'", f"CREATE DATABASE {DATABASE} OWNER {USER}"
        for line in sql:
            call(str(binaries / "psql"), "-h", str(folder), "-p", str(server.port), "-U", "admin", "-c", line, "postgres")
        yield server
    finally:
        with contextlib.suppress(RuntimeError):
            call(str(binaries / "pg_ctl"), "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    on_path = shutil.which("pg_ctl")
    found = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not found or not all((found[-1] / name).exists() for name in ("initdb", "pg_ctl", "psql")):
        missing("PostgreSQL's server", "postgresql")
    return found[-1]
