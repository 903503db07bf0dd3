"""The server that is measured: one that runs already, or one that is started for it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
from tensorflow_serving.apis import get_model_status_pb2, model_service_pb2_grpc

START_SECONDS = 180.0
_TICK = os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def started_server(model_name: str, base_path: Path, threads: int) -> Iterator[tuple[str, int]]:
    """Runs `python -m serving` and yields its address and process id once the model is available.

    Raises:
        RuntimeError: The server ended, or the model was not available in time; the message ends with the server's output.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    flags = [f"--port={port}", f"--model_name={model_name}", f"--model_base_path={base_path.resolve()}"]
    flags += [f"--tensorflow_{kind}_op_parallelism={threads}" for kind in ("intra", "inter")]
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen([sys.executable, "-m", "serving", *flags], stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"127.0.0.1:{port}"
            if not _available(address, model_name, process):
                log.seek(0)
                raise RuntimeError(f"The server did not serve {model_name!r} from {base_path}. It wrote:\n{log.read()}")
            yield address, process.pid
        finally:
            process.terminate()
            process.wait()


def cpu_seconds(pid: int) -> float:
    """The CPU time that a process has used, in its own code and in the kernel."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def _available(address: str, model_name: str, process: subprocess.Popen[bytes]) -> bool:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = model_name
    deadline = time.monotonic() + START_SECONDS
    with grpc.insecure_channel(address) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(grpc.RpcError):
                versions = stub.GetModelStatus(request, timeout=5.0).model_version_status
                if any(v.state == get_model_status_pb2.ModelVersionStatus.AVAILABLE for v in versions):
                    return True
            time.sleep(0.2)
    return False
