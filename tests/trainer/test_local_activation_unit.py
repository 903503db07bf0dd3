"""Tests of the local activation unit."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from trainer.activation_unit_forms import literal_first_layer
from trainer.local_activation_unit import LocalActivationUnit


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def literal(unit: LocalActivationUnit, query: np.ndarray, keys: np.ndarray) -> Any:
    """The formula as the paper writes it, layer after layer, with the concatenation that the layer avoids."""
    hidden = literal_first_layer(query, keys, unit.kernel, unit.bias)
    for activation, layer in zip(unit.activation_layers, [*unit.hidden_layers, unit.output_layer], strict=True):
        hidden = layer(activation(hidden))
    return hidden[..., 0]


def built(dim: int, activation: str = "sigmoid") -> LocalActivationUnit:
    unit = LocalActivationUnit((6, 5), activation)
    unit.build((None, None, dim), (None, None, dim))
    for i, weight in enumerate(unit.trainable_weights):
        weight.assign(normal(*weight.shape, seed=i))
    return unit


def test_the_score_of_one_dimension_is_the_hand_computed_one() -> None:
    unit = LocalActivationUnit((1,), "relu")
    unit.build((None, 1, 1), (None, None, 1))
    unit.kernel.assign([[1.0], [10.0], [100.0], [1000.0]])
    unit.bias.assign([0.5])
    unit.output_layer.kernel.assign([[2.0]])
    unit.output_layer.bias.assign([3.0])
    scores = unit(np.array([[[2.0]]], "float32"), np.array([[[3.0], [-5.0]]], "float32"))
    # 2 + 10*3 + 100*(2-3) + 1000*2*3 + 0.5 = 5932.5; the second is negative, so the ReLU leaves the output's bias
    np.testing.assert_allclose(scores, [[[2 * 5932.5 + 3, 3.0]]])
    np.testing.assert_allclose(literal(unit, np.array([[[2.0]]], "float32"), np.array([[[3.0], [-5.0]]], "float32")), scores)


@pytest.mark.parametrize("candidates", [1, 4])
def test_both_forms_equal_the_literal_formula(candidates: int) -> None:
    unit, query, keys = built(3), normal(2, candidates, 3), normal(2, 5, 3, seed=1)
    scores = unit(query, keys)
    assert scores.shape == (2, candidates, 5)
    np.testing.assert_allclose(scores, literal(unit, query, keys), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "prelu", "dice"])
@pytest.mark.parametrize("block", [3, 512])
def test_ranking_equals_scoring_each_candidate_alone(monkeypatch: pytest.MonkeyPatch, activation: str, block: int) -> None:
    monkeypatch.setattr("trainer.local_activation_unit.BLOCK", block)
    unit, query, keys = built(3, activation), normal(2, 4, 3), normal(2, 5, 3, seed=1)
    alone = ops.concatenate([unit(query[:, i : i + 1], keys) for i in range(4)], axis=1)
    np.testing.assert_allclose(unit(query, keys), alone, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("candidates", [1, 4])
def test_dice_folded_into_the_layers_around_it_equals_the_literal_formula(candidates: int) -> None:
    unit, query, keys = built(3, "dice"), normal(2, candidates, 3), normal(2, 5, 3, seed=1)
    for i, dice in enumerate(unit.activation_layers):
        dice.moving_mean.assign(normal(*dice.moving_mean.shape, seed=i))
        dice.moving_variance.assign(np.square(normal(*dice.moving_variance.shape, seed=i + 2)) + 0.1)
    np.testing.assert_allclose(unit(query, keys), literal(unit, query, keys), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("candidates", [1, None])
def test_shapes_may_be_known_at_run_time_only(candidates: int | None) -> None:
    unit = built(3)
    spec = [tf.TensorSpec([None, candidates, 3]), tf.TensorSpec([None, None, 3])]
    function = tf.function(unit, input_signature=spec)
    query, keys = normal(2, 1, 3), normal(2, 5, 3, seed=1)
    np.testing.assert_allclose(function(query, keys), literal(unit, query, keys), rtol=1e-4, atol=1e-4)
    assert function(query, keys[:, :0]).shape == (2, 1, 0)


@pytest.mark.parametrize("candidates", [1, 4])
def test_no_tensor_of_the_concatenation_is_built(candidates: int) -> None:
    unit = built(3)
    graph = tf.function(unit).get_concrete_function(tf.TensorSpec([2, candidates, 3]), tf.TensorSpec([2, 5, 3])).graph
    shapes = [tuple(tensor.shape) for op in graph.get_operations() for tensor in op.outputs]
    assert (2, candidates, 5, 12) not in shapes
    assert (2, 5, 12) not in shapes


def test_the_first_kernel_is_one_weight() -> None:
    unit = LocalActivationUnit((6, 5), "sigmoid")
    unit.build((None, 1, 3), (None, None, 3))
    assert unit.kernel.shape == (12, 6)
    assert unit.count_params() == (12 * 6 + 6) + (6 * 5 + 5) + (5 + 1)


def test_prelu_and_dice_have_a_slope_per_channel() -> None:
    assert built(3, "prelu").count_params() == built(3).count_params() + 6 + 5
    assert built(3, "dice").count_params() == built(3).count_params() + 3 * (6 + 5)


@pytest.mark.parametrize("candidates", [1, 4])
def test_padding_does_not_count_for_dice(candidates: int) -> None:
    unit, other = built(3, "dice"), built(3, "dice")
    query, keys = normal(2, candidates, 3), normal(2, 5, 3, seed=1)
    mask = np.array([[True, True, False, False, False]] * 2)
    scores = unit(query, keys, mask=mask, training=True)
    np.testing.assert_allclose(scores[:, :, :2], other(query, keys[:, :2], training=True), rtol=1e-4, atol=1e-4)


def test_the_config_is_complete() -> None:
    unit = LocalActivationUnit((3, 2), "prelu", output_bias=False, name="u")
    assert LocalActivationUnit.from_config(unit.get_config()).get_config() == unit.get_config()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden_units": ()}, r"`hidden_units` must hold .* Received: \(\)"),
        ({"hidden_units": (4, 0)}, r"`hidden_units` must hold .* Received: \(4, 0\)"),
        ({"activation": "tanh"}, "`activation` must be one of .* Received: 'tanh'"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LocalActivationUnit(**arguments)


def test_a_query_of_another_width_is_refused() -> None:
    with pytest.raises(ValueError, match="`query` and `keys` must have the same last axis"):
        LocalActivationUnit()(normal(2, 1, 3), normal(2, 5, 4))
