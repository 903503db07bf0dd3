"""Starts the embedded server in a process of its own: for tests, benchmarks and scripts. Needs the standard library only."""

from __future__ import annotations

import contextlib
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

READY_LINES = ("Running gRPC ModelServer at", "Exporting HTTP/REST API at")


class RunningServer(NamedTuple):
    """A server that answers.

    Args:
        process: its process.
        grpc_address: `host:port` for gRPC.
        rest_url: `http://host:port` of the REST API.
        log: the file that holds what it says.
    """

    process: subprocess.Popen[bytes]
    grpc_address: str
    rest_url: str
    log: Path


@contextmanager
def start(*flags: str, ready_seconds: float = 600.0) -> Iterator[RunningServer]:
    """Runs a server on free ports of 127.0.0.1, and ends it on leaving.

    Args:
        flags: further flags, `--model_base_path=...` for one.
        ready_seconds: how long to wait for its models to load.

    Yields:
        The server, once it answers on both ports.

    Raises:
        RuntimeError: it ended, or was not ready in time; the message holds what it said.
    """
    grpc_port, rest_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [sys.executable, "-m", "serving", f"--port={grpc_port}", f"--rest_api_port={rest_port}", *flags]
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output)
        try:
            _wait_until_ready(process, log, ready_seconds)
            yield RunningServer(process, f"127.0.0.1:{grpc_port}", f"http://127.0.0.1:{rest_port}", log)
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not all(line in log.read_text(errors="replace") for line in READY_LINES):
        if process.poll() is not None:
            raise RuntimeError(f"The server ended with status {process.returncode}:\n{log.read_text(errors='replace')}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"The server was not ready within {seconds} s:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on.

    It is none of those that the system gives to outgoing connections: one of these could take it before a server that
    needs seconds to start listens there.
    """
    first_outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    while True:
        port = random.SystemRandom().randrange(min(10_000, first_outgoing - 1), first_outgoing)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
