"""The schedule's command, in this process and as a process."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from kubeflow.schedule.cli import main
from tests.interrupt import heed_interrupts

ROOT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Result:
    """What a call of the command left: its exit status and what it printed."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """Calls the command on a server, with its package."""

    host: str
    package: Path
    home: Path

    def __call__(self, command: str, *arguments: str, status: int = 0) -> Result:
        """Runs it in this process, which saves seconds of imports, and checks its exit status."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            returned = main(self._arguments(command, arguments), {})
        assert returned == status, f"exit status {returned}, not {status}\n{out.getvalue()}\n{err.getvalue()}"
        return Result(returned, out.getvalue(), err.getvalue())

    def start(self, command: str, *arguments: str) -> subprocess.Popen[str]:
        """Starts it as a process, in a home of its own."""
        variables = {"PYTHONPATH": str(ROOT), "HOME": str(self.home), "TZ": "Europe/Berlin"}
        return subprocess.Popen(
            [sys.executable, "-m", "kubeflow.schedule", *self._arguments(command, arguments)],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=heed_interrupts,
        )

    def _arguments(self, command: str, arguments: tuple[str, ...]) -> list[str]:
        options = ["--host", self.host]
        if command in ("upload", "create", "run", "backfill") and not {"--package", "--version"} & set(arguments):
            options += ["--package", str(self.package)]
        if command in ("create", "delete", "run", "backfill"):
            options += ["--poll", "0.01"]
        return [command, *options, *arguments]


def finished(process: subprocess.Popen[str], status: int = 0) -> Result:
    """Waits for a started command and checks its exit status."""
    out, err = process.communicate()
    assert process.returncode == status, f"exit status {process.returncode}, not {status}\n{out}\n{err}"
    return Result(process.returncode, out, err)
