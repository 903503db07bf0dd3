"""A model server in a process of its own, TensorFlow Serving's or the embedded one, for as long as it is asked something.

Needs gRPC and the standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc

from serving.server.process import free_port

BINARY = "tensorflow_model_server"
EMBEDDED = "embedded"
_TIED = str(Path(__file__).with_name("tied.py"))
_POLL_SECONDS = 0.05
_LAST_SECONDS = 10.0
_SHOWN = 600


class ServerStartError(RuntimeError):
    """A server did not load its model, or not in time; the message says which, and holds its last words."""


def chosen_server(wanted: str) -> str:
    """`EMBEDDED`, or the path of TensorFlow Serving's binary.

    Args:
        wanted: `EMBEDDED`; `binary`; or `auto`, the binary if it is on the PATH.

    Raises:
        ServerStartError: The binary is wanted, and is not there.
    """
    binary = None if wanted == EMBEDDED else shutil.which(BINARY)
    if wanted == "binary" and binary is None:
        raise ServerStartError(f"{BINARY} must be on the PATH. Received: a PATH without it.")
    return binary or EMBEDDED


@contextmanager
def model_server(server: str, name: str, base_path: str, seconds: float) -> Iterator[str]:
    """Serves the versions of a base path on a free port.

    The process ends on leaving, and with this one, even if this one is killed.

    Args:
        server: As `chosen_server` returns it.
        name: The model's name.
        base_path: The folder that holds a sub-folder for each version.
        seconds: How long to wait for the model to load and warm up.

    Yields:
        `host:port` of the server's gRPC port, once it answers there.

    Raises:
        ServerStartError: It ended, or was not ready in time.
    """
    command = [sys.executable, "-m", "serving"] if server == EMBEDDED else [server]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        port = free_port()
        flags = [f"--port={port}", f"--model_name={name}", f"--model_base_path={base_path}", "--max_num_load_retries=0"]
        tied = [sys.executable, "-I", "-S", _TIED, str(os.getpid()), *command, *flags]
        with log.open("wb") as output:
            process = subprocess.Popen(tied, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            address = f"127.0.0.1:{port}"
            _wait(process, address, log, seconds)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(_LAST_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(process: subprocess.Popen[bytes], address: str, log: Path, seconds: float) -> None:
    """Both servers open their port when the model is loaded and warm."""
    end = time.monotonic() + seconds
    with grpc.insecure_channel(address, [("grpc.max_reconnect_backoff_ms", 100), ("grpc.enable_http_proxy", 0)]) as channel:
        ready = grpc.channel_ready_future(channel)
        while process.poll() is None:
            try:
                ready.result(_POLL_SECONDS)
                return
            except grpc.FutureTimeoutError:
                if time.monotonic() > end:
                    raise ServerStartError(f"it was not ready within {seconds:g} s{_last_words(log)}") from None
    raise ServerStartError(f"the server did not load it{_last_words(log)}")


def _last_words(log: Path) -> str:
    """What a server has said last: the error it ended with, if it has told one."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    errors = [line for line in lines if "Failed to start server" in line or "Error: " in line]
    chosen = (errors or lines)[-1:]
    return f": {chosen[0][-_SHOWN:]}" if chosen else ""
