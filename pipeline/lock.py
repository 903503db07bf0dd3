"""One command at a time on a STATE_ROOT: a lock that says who holds it, and that goes when its holder dies."""

from __future__ import annotations

import contextlib
import datetime
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

LOCK = "lock.json"


class StateInUseError(RuntimeError):
    """Another command is at work on the same STATE_ROOT."""


@contextlib.contextmanager
def locked(state_root: str, command: str) -> Iterator[None]:
    """Within the block no other process is at work on the state.

    Args:
        state_root: Where a run keeps everything it writes. It is created if it is not there.
        command: What works on it, for people who have to wait: "make run".

    Raises:
        StateInUseError: Another process holds the lock. The message says which, and since when.
        OSError: The file cannot be written, or its file system has no locks.
    """
    path = Path(state_root) / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    # Never truncated by being opened, and never removed: another process may be about to lock it.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in (errno.EWOULDBLOCK, errno.EACCES):
                raise
            raise StateInUseError(
                f"`STATE_ROOT` must be worked on by one command at a time. Received: {state_root}, on which {_holder(path)}."
            ) from error
        holder = {
            "command": command,
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.datetime.now().isoformat(sep=" ", timespec="seconds"),
        }
        _write(descriptor, json.dumps(holder))
        try:
            yield
        finally:
            _write(descriptor, "")
    finally:
        os.close(descriptor)


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)


def _holder(path: Path) -> str:
    try:
        holder = json.loads(path.read_text())
        process = f"process {holder['pid']} on {holder['host']}"
        return f"`{holder['command']}`, {process}, has been at work since {holder['since']}"
    except (ValueError, KeyError):
        return "a command has just begun"
