"""A training that was killed goes on at its last finished epoch, and ends as one that nothing disturbed."""

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

from tests import zygote
from tests.end_to_end.conftest import ROOT, Workspace

pytestmark = pytest.mark.end_to_end

EPOCHS = 25
SETTINGS = {"EPOCHS": str(EPOCHS), "PATIENCE": str(EPOCHS), "MIN_AUC": "0.1", "MAX_AUC_DROP": "0.9"}


def kept(workspace: Workspace) -> list[Path]:
    return list((workspace.state / "pipeline").glob("trainer/.system/checkpoints/*/*"))


def weights(version: Path) -> dict[str, np.ndarray]:
    reader = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith("weights/")]
    assert len(names) > 10
    return {name: reader.get_tensor(name) for name in names}


def test_a_killed_training_goes_on_and_ends_with_the_same_model(workspace: Workspace, tmp_path: Path) -> None:
    data = tmp_path / "data"
    command = [sys.executable, "-m", "data.synthesize", "--out", str(data), "--rows", "3000", "--layout", "files"]
    subprocess.run([*command, "--truth", str(tmp_path / "truth")], cwd=ROOT, check=True)
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
