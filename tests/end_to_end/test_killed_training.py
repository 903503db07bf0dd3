"""A run that was killed goes on from the cache, and its training at its last finished epoch; it ends as one that nothing
disturbed. On the same rows `make tune` tries combinations, and writes what `make run CONFIG=` takes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import yaml

from tests import zygote
from tests.end_to_end.conftest import NO_BOUNDS, ROOT, Workspace, cached_nodes

pytestmark = pytest.mark.end_to_end

ROWS = 3000
EPOCHS = 12
SETTINGS = {**NO_BOUNDS, "EPOCHS": str(EPOCHS), "PATIENCE": str(EPOCHS)}


def kept(workspace: Workspace) -> list[Path]:
    return list((workspace.state / "pipeline").glob("trainer/.system/checkpoints/*/*"))


def weights(version: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith("weights/")]
    assert len(names) > 10
    return {name: reader.get_tensor(name) for name in names}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rows in the folders `train` and `eval`."""
    folder = tmp_path_factory.mktemp("data")
    layout = ["--rows", str(2 * ROWS), "--spans", "2", "--layout", "train-eval"]
    arguments = [*layout, "--out", str(folder), "--truth", str(tmp_path_factory.mktemp("truth"))]
    subprocess.run([sys.executable, "-m", "data.synthesize", *arguments], cwd=ROOT, check=True)
    return folder


def test_a_killed_training_goes_on_and_ends_with_the_same_model(workspace: Workspace, data: Path) -> None:
    settings = {"DATA_ROOT": str(data), **SETTINGS}
    running = zygote.start([sys.executable, str(ROOT / "local_runner.py")], workspace.environment(**settings), ROOT)
    while not any(path.name == "epoch.npz" for path in kept(workspace)):
        assert running.poll() is None, running.communicate()
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGKILL)
    running.communicate()
    assert running.poll() == -signal.SIGKILL
    assert any(path.name == "epoch.npz" for path in kept(workspace)), "it was killed too late: the training had ended"

    again = workspace.run(**settings)
    assert again.status == 0
    assert {"example_gen", "statistics_gen", "transform"} <= cached_nodes(again)
    assert f"{ROWS} train, {ROWS} eval" in again.output
    told = [int(epoch) for epoch in re.findall(rf"epoch (\d+) of {EPOCHS}\b", again.output)]
    assert told[0] > 1
    assert told[-1] == EPOCHS
    assert kept(workspace) == []

    # Nothing is taken from the run before: its rows are the same, its training is another one.
    undisturbed = workspace.run(**settings, CHECKPOINTS="false")
    assert undisturbed.status == 0
    assert f"epoch 1 of {EPOCHS}" in undisturbed.output
    resumed, whole = map(weights, workspace.versions)
    for name, value in resumed.items():
        np.testing.assert_array_equal(value, whole[name], err_msg=name)


def test_the_best_of_what_was_tried_is_a_file_of_settings(workspace: Workspace, data: Path) -> None:
    versions = workspace.versions
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
    assert workspace.versions == versions
    taken = workspace.python("-m", "pipeline", "config", CONFIG=str(tuned))
    assert best.items() <= yaml.safe_load(taken.output).items()
