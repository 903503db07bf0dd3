"""Tests of the local activation unit."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from trainer.activation import activate
from trainer.activation_unit_forms import literal_first_layer
from trainer.local_activation_unit import LocalActivationUnit
from trainer.valid_positions import ValidPositions


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def literal(unit: LocalActivationUnit, query: np.ndarray, keys: np.ndarray, training: bool = False) -> Any:
    """The formula as the paper writes it, layer after layer, with the concatenation that the layer avoids."""
    hidden = literal_first_layer(query, keys, unit.kernel, unit.bias)
    for activation, layer in zip(unit.activation_layers, [*unit.hidden_layers, unit.output_layer], strict=True):
        rows = tf.reshape(hidden, (-1, hidden.shape[-1]))  # PReLU takes no more axes
        hidden = layer(tf.reshape(activate(activation, rows, training), hidden.shape))
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


@pytest.mark.parametrize("activation", ["sigmoid", "relu", "prelu", "dice"])
@pytest.mark.parametrize("candidates", [1, 4])
def test_in_training_the_valid_positions_score_as_in_the_literal_formula(activation: str, candidates: int) -> None:
    """The literal Dice counts all that it is given: the padding is cut off before."""
    unit, reference = built(3, activation), built(3, activation)
    query, keys = normal(3, candidates, 3), normal(3, 5, 3, seed=1)
    mask = np.array([[True, True, False, False, False], [False] * 5, [True, True, False, False, False]])
    positions = ValidPositions(mask)
    with tf.GradientTape() as tape:
        scores = unit(query, positions.take(keys), positions=positions)
        loss = tf.reduce_sum(scores**2)
    with tf.GradientTape() as literal_tape:
        expected = literal(reference, query[::2], keys[::2, :2], training=True)
        literal_loss = tf.reduce_sum(expected**2)
    found = ops.transpose(positions.pad(scores), (0, 2, 1))
    np.testing.assert_allclose(found[::2, :, :2], expected, rtol=1e-4, atol=1e-4)
    assert scores.shape == (4, candidates)
    gradients = tape.gradient(loss, unit.trainable_weights)
    expected_gradients = literal_tape.gradient(literal_loss, reference.trainable_weights)
    for weight, gradient, other in zip(unit.trainable_weights, gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(gradient, other, rtol=1e-3, atol=1e-3, err_msg=weight.path)
    for weight, other in zip(unit.non_trainable_weights, reference.non_trainable_weights, strict=True):
        np.testing.assert_allclose(weight, other, rtol=1e-4, atol=1e-5, err_msg=weight.path)


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
