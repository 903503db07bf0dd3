"""`make tune`: tries combinations on real data, and writes what `make run CONFIG=` takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.end_to_end.conftest import ROOT, Workspace

pytestmark = pytest.mark.end_to_end


def test_the_best_of_what_was_tried_is_a_file_of_settings(workspace: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "data.synthesize", "--out", str(data), "--rows", "3000", "--layout", "files"]
    subprocess.run([*command, "--truth", str(tmp_path / "truth")], cwd=ROOT, check=True)
    # One learning rate learns something in an epoch, the other nothing.
    settings = {
        "DATA_ROOT": str(data),
        "EPOCHS": "1",
        "BATCH_SIZE": "64",
        "TUNE_CHOICES": "learning_rate=0.00000001|0.005,wide=true",
        "TUNE_TRIALS": "5",
    }
    run = workspace.python("-m", "pipeline", "tune", **settings)
    assert run.status == 0
    assert "trial 2 of 5 at most" in run.output
    assert "trial 3" not in run.output
    tuned = workspace.state / "tuned.yaml"
    best = {"learning_rate": 0.005, "wide": True, "epochs": 1, "batch_size": 64}
    assert yaml.safe_load(tuned.read_text()) == best
    assert workspace.versions == []
    taken = workspace.python("-m", "pipeline", "config", CONFIG=str(tuned))
    assert best.items() <= yaml.safe_load(taken.output).items()
