"""Tests of the DNN."""

from typing import Any

import numpy as np
import pytest

from trainer.dnn import DNN, SplitDense


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def test_the_split_layer_equals_a_dense_layer_on_the_concatenation() -> None:
    user, items = normal(2, 1, 3), normal(2, 5, 4, seed=1)
    layer = SplitDense(6)
    outputs = layer([user, items])
    both = np.concatenate([np.broadcast_to(user, (2, 5, 3)), items], axis=-1)
    np.testing.assert_allclose(outputs, both @ np.array(layer.kernel) + np.array(layer.bias), rtol=1e-4, atol=1e-5)
    assert [w.shape for w in layer.weights] == [(7, 6), (6,)]


def test_the_logit_is_the_hand_computed_one() -> None:
    dnn = DNN((1,), "relu", batch_norm=False)
    dnn.build([(None, None, 1), (None, None, 1)])
    dnn.dense_layers[0].kernel.assign([[1.0], [10.0]])
    dnn.dense_layers[0].bias.assign([0.5])
    dnn.output_layer.kernel.assign([[2.0]])
    dnn.output_layer.bias.assign([-1.0])
    logits = dnn([np.array([[[2.0]]], "float32"), np.array([[[3.0], [-3.0]]], "float32")])
    np.testing.assert_allclose(logits, [[2 * 32.5 - 1, -1.0]])


def test_dropout_drops_in_training_only() -> None:
    dnn, inputs = DNN((64,), dropout=0.5, batch_norm=False), [normal(8, 1, 4)]
    np.testing.assert_array_equal(dnn(inputs), dnn(inputs, training=False))
    assert not np.array_equal(dnn(inputs, training=True), dnn(inputs))
    assert not np.array_equal(dnn(inputs, training=True), dnn(inputs, training=True))


def test_batch_statistics_move_in_training_only() -> None:
    dnn, inputs = DNN((4, 3)), [normal(8, 1, 4)]
    dnn(inputs)
    before = [np.array(w) for w in dnn.non_trainable_weights]
    dnn(inputs, training=False)
    for old, weight in zip(before, dnn.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(old, weight)
    dnn(inputs, training=True)
    moving = [w for w in dnn.non_trainable_weights if "moving" in w.name]
    assert len(moving) == 4
    for old, weight in zip(before, moving, strict=True):
        assert not np.array_equal(old, weight)


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "prelu", "dice"])
def test_weight_counts(activation: str) -> None:
    slopes = {"prelu": 1, "dice": 3}.get(activation, 0)
    dnn = DNN((4, 3), activation)
    dnn.build([(None, None, 2), (None, None, 5)])
    assert dnn.count_params() == 7 * 4 + 4 * 3 + (3 + 1) + (4 + slopes) * (4 + 3)


def test_the_penalty_is_that_of_the_kernels() -> None:
    dnn = DNN((4,), l2=0.1)
    dnn([normal(2, 1, 3)])
    kernels = [dnn.dense_layers[0].kernel, dnn.output_layer.kernel]
    np.testing.assert_allclose(sum(map(float, dnn.losses)), 0.1 * sum(np.sum(np.square(k)) for k in kernels), rtol=1e-5)


def test_the_configs_are_complete() -> None:
    for layer in (DNN((4, 3), "dice", batch_norm=False, dropout=0.2, l2=0.1), SplitDense(3, kernel_regularizer="l2")):
        assert type(layer).from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_units": ()}, "`hidden_units` must hold"),
        ({"activation": "tanh"}, "`activation` must be one of"),
        ({"dropout": 1.0}, r"`dropout` must be in \[0, 1\). Received: 1.0"),
        ({"l2": -1.0}, "`l2` must not be negative. Received: -1.0"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DNN(**{"hidden_units": (4,), **arguments})
