"""The check of an export in another interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from serving.check_export import ExportError, answers, differences, main, sample_rows
from tests.serving.support import MODEL, VERSION
from transform.features import DECLARATION

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_signature_is_called_and_agrees_with_itself(models: Path, capsys: pytest.CaptureFixture[str]) -> None:
    export = models / MODEL / str(VERSION)
    assert main([str(export), "--python", sys.executable, "--rows", str(ROOT / "data" / "sample")]) == 0
    said = capsys.readouterr().out
    for name in ("serving_default", "rank", "explain", "serve_examples", "transform_features"):
        assert f" {name}/" in said
    assert "All agree to 1e-05 on 200 rows." in said


@pytest.mark.slow
def test_an_export_that_cannot_be_loaded_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="could not run the signatures"):
        answers(sys.executable, tmp_path, [])


@pytest.mark.parametrize(
    "theirs",
    [
        {"rank/score": np.array([[0.5, 0.25002]])},
        {"rank/score": np.array([[0.5]])},
        {"rank/score": np.array([[0.5, np.nan]])},
        {"rank/score": np.array([[1, 2]])},
        {},
        {"rank/score": np.array([[0.5, 0.25]]), "rank/extra": np.array([1])},
    ],
)
def test_answers_that_differ_are_found(theirs: dict[str, np.ndarray]) -> None:
    worst = max(differences({"rank/score": np.array([[0.5, 0.25]])}, theirs).values())
    assert not worst <= 1e-5


def test_text_differs_by_a_single_token() -> None:
    assert differences({"t": np.array([b"a", b"b"])}, {"t": np.array([b"a", b"c"])}) == {"t": float("inf")}


def test_rows_are_the_serving_columns_of_the_sample() -> None:
    rows = sample_rows(ROOT / "data" / "sample", 3)
    assert [set(row) for row in rows] == [set(DECLARATION.serving_columns)] * 3


def test_a_folder_without_csvs_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(tmp_path), "--python", sys.executable, "--rows", str(tmp_path)]) == 2
    assert "`--rows` must name a folder with CSV files" in capsys.readouterr().err


def test_the_script_says_that_nothing_is_published(tmp_path: Path) -> None:
    env = os.environ | {"STATE_ROOT": str(tmp_path)}
    run = subprocess.run(["scripts/check_export"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "`make run` publishes one." in run.stderr
