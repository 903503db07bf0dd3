"""Runs the embedded server in a process of its own, for as long as a block of code needs it."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PATIENCE = 120.0


@dataclasses.dataclass(frozen=True)
class Server:
    """A running server: its addresses, `host:port`, and its process."""

    grpc: str
    rest: str
    pid: int


@contextlib.contextmanager
def running(base_path: Path, model_name: str, *flags: str) -> Iterator[Server]:
    """Runs `python -m serving` on free ports of loopback.

    Args:
        base_path: The model's folder, which holds its versions.
        model_name: The name to serve it by.
        flags: More flags.

    Yields:
        The server, when the model is available.

    Raises:
        RuntimeError: The server stopped, or does not make the model available; the message holds its last words.
    """
    grpc_port, rest_port = free_port(), free_port()
    command = [sys.executable, "-m", "serving", f"--port={grpc_port}", f"--rest_api_port={rest_port}", *flags]
    command += [f"--model_name={model_name}", f"--model_base_path={base_path.resolve()}"]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        try:
            if not _available(rest_port, model_name, process):
                log.seek(0)
                words = log.read()[-3000:].decode(errors="replace")
                raise RuntimeError(f"The embedded server does not serve {model_name!r} from {base_path}:\n{words}")
            yield Server(f"localhost:{grpc_port}", f"localhost:{rest_port}", process.pid)
        finally:
            process.terminate()
            process.wait(timeout=60)


def free_port() -> int:
    """A port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _available(port: int, model_name: str, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("localhost", port, timeout=5)
            connection.request("GET", f"/v1/models/{model_name}")
            answer = json.load(connection.getresponse())
            connection.close()
            if any(version["state"] == "AVAILABLE" for version in answer.get("model_version_status", [])):
                return True
        time.sleep(0.1)
    return False
