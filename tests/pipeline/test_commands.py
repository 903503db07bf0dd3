"""The commands that the Makefile calls, started as it does; what they do is tested where they are forked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("module", "first"),
    [
        ("pipeline", "Usage: community-din "),
        ("kubeflow.prune", "Usage: python -m kubeflow.prune "),
        ("kubeflow.compile", "Usage: python -m kubeflow.compile "),
        ("kubeflow.schedule", "usage: python -m kubeflow.schedule "),
        ("data.synthesize", "usage: python -m data.synthesize "),
        ("data.movielens", "usage: python -m data.movielens "),
        ("data.kuairand", "usage: python -m data.kuairand "),
        ("data.mind", "usage: python -m data.mind "),
        ("serving.rank", "usage: python -m serving.rank "),
    ],
)
def test_a_command_explains_itself(module: str, first: str) -> None:
    run = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(first)
