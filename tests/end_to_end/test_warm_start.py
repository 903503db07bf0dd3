"""Day after day with `WARM_START`: each training starts from the model of the day before."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import ROOT, Workspace

pytestmark = pytest.mark.end_to_end


def test_a_training_starts_from_the_model_of_the_day_before_and_is_cached(workspace: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "data"
    arguments = ["--out", str(data), "--rows", "3000", "--spans", "2", "--start-date", "2026-03-01", "--layout", "folders"]
    command = [sys.executable, "-m", "data.synthesize", *arguments, "--truth", str(tmp_path / "truth")]
    subprocess.run(command, cwd=ROOT, check=True)
    settings = {"DATA_ROOT": str(data), "EPOCHS": "1", "MIN_AUC": "0.1", "MAX_AUC_DROP": "0.9", "WARM_START": "true"}

    first = workspace.run(SPAN="2026-03-01", **settings)
    assert first.status == 0
    assert "finds the model to start from" in first.output
    assert "starts from" not in first.output
    (model,) = (workspace.state / "pipeline" / "trainer" / "model").glob("*/Format-Serving")
    second = workspace.run(SPAN="2026-03-02", **settings)
    assert second.status == 0
    assert f"startsfrom{model}" in re.sub(r"\s", "", second.output)
    again = workspace.run(SPAN="2026-03-02", **settings)
    assert again.status == 0
    assert "Trained    before" in again.output
    assert len(workspace.versions) == 2
