"""Prism, Beam's portable runner, and a pool of workers: other processes, in another folder, without the tests' variables."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from serving.server.process import free_port
from tests.tools import missing

ROOT = Path(__file__).parents[2]
_START_SECONDS = 60


@dataclasses.dataclass(frozen=True)
class Engine:
    """Where Prism's job service and the worker pool listen, the folder that the workers were started in, and their log."""

    job_endpoint: str
    worker_pool: str
    folder: Path
    log: Path

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a run on it."""
        return {
            "BEAM_RUNNER": "prism",
            "JOB_ENDPOINT": self.job_endpoint,
            "ENVIRONMENT_TYPE": "EXTERNAL",
            "ENVIRONMENT_CONFIG": self.worker_pool,
        }


@contextlib.contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """Starts both, and stops them in the end; their logs are in `folder`."""
    prism = _prism()
    elsewhere, log = folder / "elsewhere", folder / "workers.log"
    elsewhere.mkdir()
    job_port, pool_port = free_port(), free_port()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    pool = ["-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={pool_port}"]
    with (
        _started(
            [prism, f"--job_port={job_port}", "--serve_http=false", "--log_kind=text"], folder, folder / "prism.log", path
        ),
        _started([sys.executable, *pool], elsewhere, log, path),
    ):
        for port in (job_port, pool_port):
            _wait_for(port, folder)
        yield Engine(f"localhost:{job_port}", f"localhost:{pool_port}", elsewhere, log)


def _prism() -> str:
    """Prism's path; without it the test cannot run."""
    if not shutil.which("go") and not list((ROOT / "var" / "prism").glob("*/prism")):
        missing("Go, which builds Beam's Prism,", "golang-go")
    built = subprocess.run([ROOT / "scripts" / "prism"], capture_output=True, text=True, check=False)
    if built.returncode:
        raise RuntimeError(f"`scripts/prism` must build Prism. Received: {built.stderr[-2000:]}")
    return built.stdout.strip()


@contextlib.contextmanager
def _started(command: Sequence[str], folder: Path, log: Path, path: str) -> Iterator[None]:
    environment = {"PATH": path, "HOME": str(log.parent), "TF_CPP_MIN_LOG_LEVEL": "3"}
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait_for(port: int, folder: Path) -> None:
    until = time.monotonic() + _START_SECONDS
    while True:
        try:
            socket.create_connection(("localhost", port), 1).close()
            return
        except OSError:
            if time.monotonic() > until:
                logs = "\n".join(log.read_text()[-2000:] for log in folder.glob("*.log"))
                raise TimeoutError(f"Port {port} must answer within {_START_SECONDS} s. Received: {logs}") from None
            time.sleep(0.1)
