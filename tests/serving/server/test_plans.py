"""Which of a model's pruned graphs are kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tensorflow.core.protobuf import config_pb2

from serving.server import saved_model
from serving.server.saved_model import SavedModel


def test_the_plans_used_last_are_kept(half_plus_two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a caller asks for once does not drive out what all others ask for."""
    monkeypatch.setattr(saved_model, "MAX_KEPT_PLANS", 3)
    model = SavedModel(str(half_plus_two), ("serve",), config_pb2.ConfigProto())
    names = model.signatures["names"]
    feed = {
        names.inputs["x"].name: np.array([1.0], np.float32),
        names.inputs["words"].name: np.array([[b"red"]], object),
    }
    outputs = {alias: info.name for alias, info in names.outputs.items()}
    usual = [outputs["y"], outputs["ids"]]
    unusual = [["words"], ["y"], ["ids"], ["words", "y"], ["words", "ids"], ["words", "ids", "y"], ["words_bytes"]]
    expected = model.run(feed, usual)
    (plan,) = model.kept_plans
    for aliases in unusual:
        model.run(feed, [outputs[alias] for alias in aliases])
        found = model.run(feed, usual)
        assert all(np.array_equal(found[name], expected[name]) for name in usual)
        assert model.kept_plans[-1] == plan
        assert len(model.kept_plans) <= 3
    model.close()
