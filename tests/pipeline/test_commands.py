"""The commands that the Makefile calls, started as it does; what they do is tested where they are forked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("module", ["pipeline.prune", "data.synthesize"])
def test_a_command_explains_itself(module: str) -> None:
    run = subprocess.run([sys.executable, "-m", module, "--help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(f"usage: python -m {module}")
