"""Starts the relay that encrypts this process's connections to PostgreSQL (kubeflow/tls_relay.py)."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import json
import os
import shutil
import subprocess
import sys
import tempfile

from kubeflow.tls_relay import READY, Target, check


@dataclasses.dataclass(frozen=True)
class Relay:
    """A relay at work.

    Args:
        folder: The folder of its Unix socket, which libpq takes for a host, together with the server's port.
        process: It ends when its input does: with this process.
    """

    folder: str
    process: subprocess.Popen[str]


@functools.cache
def relay(host: str, port: int, mode: str, root_certificate: str | None) -> Relay:
    """Starts a relay to a server, once a process.

    Args:
        host: The server's host.
        port: Its port.
        mode: One of PostgreSQL's `sslmode`s but `disable`.
        root_certificate: Certificates (PEM) of those who may sign the server's.

    Raises:
        ValueError: The server does not encrypt, or its certificate does not hold.
        RuntimeError: The relay did not start; it says why on standard error.
    """
    folder = tempfile.mkdtemp(prefix="pg-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = Target(os.path.join(folder, f".s.PGSQL.{port}"), host, port, mode, root_certificate)
    check(target)
    command = [sys.executable, "-m", "kubeflow.tls_relay"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdin is not None and process.stdout is not None:
        process.stdin.write(json.dumps(dataclasses.asdict(target)) + "\n")
        process.stdin.flush()
        if process.stdout.readline().strip() == READY:
            return Relay(folder, process)
    raise RuntimeError("The relay that encrypts the connection to the metadata store must start. Received: its end.")
