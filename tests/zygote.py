"""Python commands that start without their imports: each is forked from a process that has imported the libraries once.

TFX takes twenty CPU seconds to import, and the tests run it some eighty times. Instead of `subprocess.run` and `Popen`:

    ended = zygote.run([sys.executable, "-m", "kubeflow.node", "--help"], environment, folder)
    running = zygote.start([sys.executable, "local_runner.py"], environment, folder)

A forked command has its own arguments, environment, working directory, output, process group and exit status, and imports
the project's modules itself, from where its `PYTHONPATH` and working directory say. Two things it does not show: that the
command line itself works, and what the libraries make of variables that they read when they are imported. So each kind of
command is also started as a process of its own somewhere (`start_process`, or `subprocess`).

Nothing but modules may be in the process that forks: a fork copies one thread, and TensorFlow's or gRPC's would be missing.
"""

from __future__ import annotations

import functools
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Protocol

LIBRARIES = (
    "tfx.v1",  # before TensorFlow Data Validation
    "tfx.orchestration.beam.beam_dag_runner",
    "tfx.orchestration.local.local_dag_runner",
    "tensorflow_data_validation",
    "tensorflow_model_analysis",
    "tensorflow_transform.beam",
    "keras",
    "pydantic",
    "rich.live",
)
LIBRARY_VARIABLES = {"OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "3", "GLOG_minloglevel": "1"}
# Arrow's allocator starts this one anew after a fork.
HARMLESS_THREADS = {"jemalloc_bg_thd"}
LARGEST_COMMAND = 1 << 20


class Running(Protocol):
    """A command at work, as `subprocess.Popen` has it. It leads a process group of its own."""

    pid: int

    def poll(self) -> int | None:
        """The exit status, negative for a signal, or None while the command is at work."""

    def communicate(self) -> tuple[str, str]:
        """What the command printed on standard output and error, once it has ended."""


def start(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Running:
    """Starts a Python command: an interpreter, and then `-m` and a module, or a file, and arguments.

    Args:
        command: The command. The interpreter is this one, whatever stands there.
        environment: Its environment, whole.
        folder: Its working directory.
    """
    mine, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    output, errors = _file(), _file()
    text = json.dumps({"command": [*command[1:]], "environment": {**environment}, "folder": str(folder)}).encode()
    control = _zygote()
    with other:
        socket.send_fds(control, [text], [other.fileno(), output.fileno(), errors.fileno()])
    return _Forked(mine, output, errors)


def run(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a Python command to its end."""
    running = start(command, environment, folder)
    output, errors = running.communicate()
    return subprocess.CompletedProcess([*command], running.poll() or 0, output, errors)


def start_process(command: Sequence[str], environment: Mapping[str, str], folder: Path) -> Running:
    """Starts the command as it stands, as a process of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, env={**environment}, cwd=folder, stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


class _Forked:
    """A command that was forked."""

    def __init__(self, connection: socket.socket, output: IO[str], errors: IO[str]) -> None:
        self.pid = int(_received(connection))
        self._connection = connection
        self._files = output, errors
        self._status: int | None = None
        self._lock = threading.Lock()

    def poll(self) -> int | None:
        with self._lock:
            if self._status is None and select.select([self._connection], [], [], 0)[0]:
                self._status = int(_received(self._connection))
            return self._status

    def communicate(self) -> tuple[str, str]:
        while self.poll() is None:
            select.select([self._connection], [], [])
        texts = []
        for file in self._files:
            file.seek(0)
            texts.append(file.read())
            file.close()
        return texts[0], texts[1]


@functools.cache
def _zygote() -> socket.socket:
    """The connection to the process that forks. It ends with this one, which closes the connection."""
    mine, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    inherited.pop("TF_USE_LEGACY_KERAS", None)
    with other:
        subprocess.Popen(
            # -P: neither this folder nor the working directory is where modules come from.
            [sys.executable, "-P", __file__, str(other.fileno())],
            env=inherited | LIBRARY_VARIABLES,
            pass_fds=[other.fileno()],
        )
    return mine


def _file() -> IO[str]:
    return tempfile.TemporaryFile("w+", encoding="utf-8")


def _received(connection: socket.socket) -> bytes:
    text = connection.recv(LARGEST_COMMAND)
    if not text:
        raise RuntimeError("The process that forks, or the one that keeps the command, must not end before it.")
    return text


def _import_libraries() -> None:
    for name in LIBRARIES:
        importlib.import_module(name)
    tasks = [task for task in Path("/proc/self/task").iterdir() if task.name != str(os.getpid())]
    threads = {(task / "comm").read_text().strip() for task in tasks}
    if not threads <= HARMLESS_THREADS:
        raise RuntimeError(f"The process that forks must have one thread. Received: also {', '.join(sorted(threads))}.")
    # Else each command, at its end, looks through all that was imported, copying that memory: 3 CPU seconds.
    gc.freeze()


def _serve(control: socket.socket) -> dict[str, Any]:
    """Forks for each command that comes. Returns in the command's process; ends the one that forks with its connection."""
    # Keepers are not waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        text, descriptors, _, _ = socket.recv_fds(control, LARGEST_COMMAND, 3)
        if not text:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            _keep(*descriptors)
            command: dict[str, Any] = json.loads(text)
            return command
        for descriptor in descriptors:
            os.close(descriptor)


def _keep(connection: int, output: int, errors: int) -> None:
    """Forks the command's process, and returns in it. The keeper tells the process's id, and at its end how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    # Both set it: the group is there before the id is told, and before the command begins.
    os.setpgid(pid, pid)
    if pid:
        os.write(connection, str(pid).encode())
        _, status = os.waitpid(pid, 0)
        os.write(connection, str(os.waitstatus_to_exitcode(status)).encode())
        os._exit(0)
    os.close(connection)
    for descriptor, target in ((output, 1), (errors, 2)):
        os.dup2(descriptor, target)
        os.close(descriptor)


def _become(command: Sequence[str], environment: Mapping[str, str], folder: str) -> None:
    """Runs a command in this process, as the interpreter would."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    is_module = command[0] == "-m"
    sys.argv[:] = command[1:] if is_module else command
    added = [path for path in environment.get("PYTHONPATH", "").split(os.pathsep) if path]
    sys.path[:0] = [folder if is_module else str(Path(command[0]).parent), *added]
    if is_module:
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    _connection = socket.socket(fileno=int(sys.argv[1]))
    _import_libraries()
    _become(**_serve(_connection))
