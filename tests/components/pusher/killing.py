"""Kills a process at a chosen one of its file operations."""

from __future__ import annotations

import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

_OPERATIONS = ("open", "os.", "shutil.")


def killed(work: Callable[[], object], operation: int) -> bool:
    """Runs `work` in a child of this process, killed by SIGKILL just before one of its file operations.

    Args:
        work: What is run.
        operation: The number of the file operation, from 0. Those are Python's own audit events: a file is opened, renamed,
            made, listed, its mode is changed ...

    Returns:
        False if the child has come to its end before that many operations.
    """
    return _killed(work, lambda count, earlier: count == operation)


def killed_after(work: Callable[[], object], event: str, folder: Path) -> bool:
    """Runs `work` in a child, killed just before the first file operation after `event` happened to a path in `folder`.

    Returns:
        False if the child has come to its end.
    """
    return _killed(work, lambda count, earlier: earlier[0] == event and str(folder) in str(earlier[1]))


def killed_in_the_middle_of_a_file(work: Callable[[], object], size: int) -> bool:
    """Runs `work` in a child that the kernel kills when a file grows beyond `size` bytes."""

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
        work()

    return in_child(limited) == -signal.SIGXFSZ


def in_child(work: Callable[[], object]) -> int:
    """Runs `work` in a child. Returns its exit status, 1 after a traceback, or the negative number of the signal."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _killed(work: Callable[[], object], is_due: Callable[[int, tuple[str, object]], bool]) -> bool:
    count = 0
    earlier: tuple[str, object] = ("", ())

    def hook(event: str, arguments: object) -> None:
        nonlocal count, earlier
        if not event.startswith(_OPERATIONS) or event == "os.kill":
            return
        if is_due(count, earlier):
            os.kill(os.getpid(), signal.SIGKILL)
        count, earlier = count + 1, (event, arguments)

    def hooked() -> None:
        sys.addaudithook(hook)
        work()

    return in_child(hooked) == -signal.SIGKILL


def write_model(folder: Path, weights: str = "weights") -> str:
    """A folder with the files of a SavedModel."""
    files = {
        "saved_model.pb": "graph",
        "variables/variables.data-00000-of-00001": weights * 40_000,
        "assets/topic": "1\n2\n",
        "assets.extra/tf_serving_warmup_requests": "requests",
    }
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return str(folder)


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a folder, but for the record that is published with a model."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "publication.json"
    }
