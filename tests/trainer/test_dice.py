"""Tests of the Dice activation."""

import keras
import numpy as np
import pytest
from keras import ops

from trainer.dice import Dice


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def test_training_uses_the_statistics_of_the_batch() -> None:
    layer = Dice(epsilon=1e-8, alpha_initializer=keras.initializers.Constant(0.5))
    outputs = layer(np.array([[1.0], [3.0]], "float32"), training=True)
    p = sigmoid(np.array([[-1.0], [1.0]]))  # mean 2, variance 1
    np.testing.assert_allclose(outputs, p * [[1], [3]] + (1 - p) * 0.5 * np.array([[1], [3]]), rtol=1e-6)


def test_moving_statistics_move_in_training_only_and_serve_inference() -> None:
    layer = Dice(momentum=0.75, epsilon=1e-8)
    inputs = np.array([[1.0], [3.0]], "float32")
    np.testing.assert_allclose(layer(inputs), sigmoid(inputs) * inputs, rtol=1e-5)  # mean 0, variance 1
    np.testing.assert_array_equal([layer.moving_mean, layer.moving_variance], [[0], [1]])
    layer(np.array([[2.0], [6.0]], "float32"), training=True)
    np.testing.assert_allclose([layer.moving_mean, layer.moving_variance], [[1.0], [1.75]], rtol=1e-6)
    np.testing.assert_allclose(layer(inputs), sigmoid((inputs - 1) / 1.75**0.5) * inputs, rtol=1e-5)


@pytest.mark.parametrize("mask_shape", [(2, 3), (1, 3)])
def test_masked_positions_do_not_count_for_the_statistics(mask_shape: tuple[int, int]) -> None:
    inputs = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    inputs[:, 2] = 1e6
    mask = np.broadcast_to([True, True, False], mask_shape)
    layer, reference = Dice(), Dice()
    outputs = layer(inputs, mask=ops.convert_to_tensor(mask), training=True)
    expected = reference(inputs[:, :2], training=True)
    np.testing.assert_allclose(outputs[:, :2], expected, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_mean, reference.moving_mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance, reference.moving_variance, rtol=1e-5)


def test_a_batch_of_padding_leaves_the_moving_statistics_alone() -> None:
    layer = Dice()
    inputs = np.full((2, 3, 1), 5.0, "float32")
    outputs = layer(inputs, mask=np.zeros((2, 3), bool), training=True)
    np.testing.assert_array_equal([layer.moving_mean, layer.moving_variance], [[0], [1]])
    assert np.isfinite(outputs).all()


def test_it_works_in_float16() -> None:
    outputs = Dice(dtype="mixed_float16")(np.full((4, 2), 300.0, "float16"), training=True)
    assert outputs.dtype == "float16"
    assert np.isfinite(outputs).all()


def test_it_has_three_weights_of_which_one_trains() -> None:
    layer = Dice()
    layer.build((None, 7))
    assert [w.shape for w in layer.weights] == [(7,)] * 3
    assert [w.name for w in layer.trainable_weights] == ["alpha"]


def test_the_config_is_complete() -> None:
    layer = Dice(momentum=0.5, epsilon=1e-3, alpha_initializer="ones", name="d")
    assert Dice.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize(("arguments", "message"), [({"momentum": 1.0}, "momentum"), ({"epsilon": 0.0}, "epsilon")])
def test_invalid_arguments_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"`{message}` must be .* Received"):
        Dice(**arguments)


@pytest.mark.parametrize("alpha", [-0.5, 0.0, 0.999, 1.0, 3.0])
@pytest.mark.parametrize(("mean", "variance"), [(0.0, 1.0), (3.0, 1e-2), (-100.0, 1e4)])
def test_the_folded_form_computes_the_same(alpha: float, mean: float, variance: float) -> None:
    layer = Dice()
    layer.build((None, 3))
    layer.alpha.assign([alpha] * 3)
    layer.moving_mean.assign([mean] * 3)
    layer.moving_variance.assign([variance] * 3)
    inputs = mean + np.random.default_rng(0).normal(size=(50, 3), scale=3 * variance**0.5).astype("float32")
    folded = layer.folded()
    outputs = folded.output_scale * folded(inputs * folded.input_scale + folded.input_shift)
    scale = np.abs(inputs).max()
    np.testing.assert_allclose(outputs / scale, np.array(layer(inputs)) / scale, atol=5e-6)
