"""One command at a time works on a STATE_ROOT: shown by processes of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.lock import StateInUseError, locked

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from pipeline.lock import locked
with locked(sys.argv[1], "make run"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def holder(state_root: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(state_root)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


def command(state_root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"STATE_ROOT": str(state_root), "DATA_ROOT": str(ROOT / "data" / "sample")}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_who_holds_the_lock_is_said(tmp_path: Path) -> None:
    with holder(tmp_path / "state") as process:
        with pytest.raises(StateInUseError) as error, locked(str(tmp_path / "state"), "make prune"):
            pass
        assert f"Received: {tmp_path}/state, on which `make run`, process {process.pid} on" in str(error.value)
        assert "has been at work since 20" in str(error.value)


def test_a_lock_is_free_again_once_it_is_left(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(str(tmp_path), "make run"):
            pass
    with contextlib.suppress(KeyError), locked(str(tmp_path), "make run"):
        raise KeyError
    with locked(str(tmp_path), "make run"), locked(str(tmp_path / "other"), "make run"):
        pass


def test_a_killed_holder_leaves_no_lock(tmp_path: Path) -> None:
    with holder(tmp_path) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
        with locked(str(tmp_path), "make run"):
            pass


@pytest.mark.parametrize(
    "arguments", [["-m", "pipeline", "prune", "--dry-run"], ["-m", "pipeline", "ingest"], ["local_runner.py"]]
)
def test_commands_stop_at_once_while_another_is_at_work(tmp_path: Path, arguments: list[str]) -> None:
    with holder(tmp_path) as process:
        outcome = command(tmp_path, *arguments)
    assert outcome.returncode == 1
    assert outcome.stderr.startswith("Error: `STATE_ROOT` must be worked on by one command at a time. Received: ")
    assert f"`make run`, process {process.pid}" in outcome.stderr
    assert not (tmp_path / "log").exists()
    assert not (tmp_path / "metadata.sqlite").exists()
