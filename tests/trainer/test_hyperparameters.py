"""Tests of the hyperparameters."""

import json
import re
from typing import Any

import pytest

from trainer.hyperparameters import Hyperparameters


def test_they_survive_json() -> None:
    settings = Hyperparameters(dnn_hidden_units=(8, 4), interest_pooling="mean", dropout=0.1)
    assert Hyperparameters.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_what_is_left_out_has_its_default() -> None:
    assert Hyperparameters.from_dict({"epochs": 2}) == Hyperparameters(epochs=2)


def test_an_unknown_name_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"Received: \['batchsize'\]"):
        Hyperparameters.from_dict({"batchsize": 2})


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("epochs", 0, "must be positive"),
        ("epochs", 1.5, "must be an integer"),
        ("embedding_dim", -1, "must be positive"),
        ("batch_size", 0, "must be positive"),
        ("learning_rate", 0.0, "must be positive"),
        ("learning_rate", float("nan"), "must be positive"),
        ("learning_rate", "fast", "must be a number"),
        ("batch_norm", "no", "must be a boolean"),
        ("l2", -0.1, "must not be negative"),
        ("seed", -1, "must not be negative"),
        ("dropout", 1.0, "must be in [0, 1)"),
        ("dnn_hidden_units", (), "must hold at least one width, all positive integers"),
        ("attention_hidden_units", (4, 0), "must hold at least one width, all positive integers"),
        ("attention_activation", "tanh", "must be one of ('sigmoid', 'relu', 'prelu', 'dice')"),
        ("dnn_activation", "tanh", "must be one of ('sigmoid', 'relu', 'prelu', 'dice')"),
        ("interest_pooling", "sum", "must be one of ('attention', 'mean')"),
    ],
)
def test_a_value_out_of_range_is_refused(name: str, value: Any, rule: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"`{name}` {rule}. Received: {value!r}.")):
        Hyperparameters(**{name: value})
