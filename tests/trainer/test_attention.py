"""Tests of attention pooling."""

import warnings
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.attention import AttentionPooling, masked_softmax, rescaled
from trainer.valid_positions import ValidPositions

MASK = np.array([[True, True, False], [False, True, False], [False, False, False]])


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("candidates", [1, 4])
def test_the_interest_is_the_weighted_sum_of_the_unpadded_keys(normalize: bool, candidates: int) -> None:
    layer = AttentionPooling((4,), "sigmoid", normalize=normalize)
    query, keys = normal(3, candidates, 2), normal(3, 3, 2, seed=1)
    interest, weights = layer(query, keys, mask=MASK, return_attention_scores=True)
    scores = np.array(layer.unit(rescaled(query), rescaled(keys)))
    expected = (np.exp(scores) if normalize else scores) * MASK[:, None]
    if normalize:
        expected[:2] /= expected[:2].sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(weights, expected, rtol=1e-5)
    np.testing.assert_allclose(interest, expected @ keys, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layer(query, keys, mask=MASK), interest)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_padding_receives_no_weight(normalize: bool, dtype: str) -> None:
    layer = AttentionPooling((4,), "prelu", normalize=normalize, dtype=dtype)
    query, keys = normal(3, 2, 2).astype(dtype), normal(3, 3, 2, seed=1).astype(dtype)
    _, weights = layer(query, keys, mask=MASK, return_attention_scores=True)
    assert weights.dtype == dtype
    weights = np.array(weights)
    assert (weights[~np.broadcast_to(MASK[:, None], weights.shape)] == 0).all()
    assert (weights[np.broadcast_to(MASK[:, None], weights.shape)] != 0).all()


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("candidates", [1, 4])
@pytest.mark.parametrize("gathered", [False, True])
def test_training_gives_the_numbers_and_gradients_of_inference(normalize: bool, candidates: int, gathered: bool) -> None:
    """Without Dice, the two differ in how they compute alone."""
    layer = AttentionPooling((4,), "sigmoid", normalize=normalize)
    inputs = [tf.constant(normal(3, *shape, seed=i)) for i, shape in enumerate([(candidates, 2), (3, 2), (candidates, 3)])]
    positions = ValidPositions(MASK)
    found = []
    for training in (False, True):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            query, keys, bias = inputs
            given = {}
            if training and gathered:
                given = {"positions": positions}
                keys, bias = positions.take(keys), positions.take(tf.transpose(bias, (0, 2, 1)))
            interest, weights = layer(query, keys, MASK, return_attention_scores=True, training=training, bias=bias, **given)
            loss = tf.reduce_sum(interest**2 + interest)
        found.append([interest, weights, *tape.gradient(loss, [*inputs, *layer.trainable_weights])])
    for training_value, value in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(training_value, value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("activation", ["sigmoid", "dice"])
@pytest.mark.parametrize("length", [0, 3])
def test_an_empty_history_is_a_zero_vector_without_nan(normalize: bool, activation: str, length: int) -> None:
    layer = AttentionPooling((4,), activation, normalize=normalize)
    query, keys = tf.constant(normal(2, 1, 2)), tf.constant(normal(2, length, 2))
    with tf.GradientTape() as tape:
        tape.watch([query, keys])
        interest = layer(query, keys, mask=tf.zeros((2, length), "bool"), training=True)
        loss = tf.reduce_sum(interest + interest**2)
    gradients = tape.gradient(loss, [query, keys, *layer.trainable_weights])
    np.testing.assert_array_equal(interest, np.zeros((2, 1, 2)))
    assert all(np.isfinite(gradient).all() for gradient in gradients if gradient is not None)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("candidates", [1, None])
def test_a_batch_of_empty_histories_works_in_a_graph(normalize: bool, candidates: int | None) -> None:
    layer = AttentionPooling((4,), normalize=normalize)

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, candidates, 2]),
            tf.TensorSpec([None, None, 2]),
            tf.TensorSpec([None, None], tf.bool),
        ]
    )
    def attend(query: tf.Tensor, keys: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
        return layer(query, keys, mask=mask, training=True)

    np.testing.assert_array_equal(attend(normal(3, 1, 2), normal(3, 0, 2), np.zeros((3, 0), bool)), np.zeros((3, 1, 2)))


@pytest.mark.parametrize("training", [False, True])
def test_the_weights_do_not_depend_on_the_scale_of_the_embeddings(training: bool) -> None:
    """Embeddings start small; scores that shrink with them are equal ones, and their unit is not trained."""
    layer, query, keys = AttentionPooling((4,), "sigmoid", normalize=True), normal(3, 1, 2), normal(3, 3, 2, seed=1)
    found = [
        layer(query * scale, keys * scale, mask=MASK, return_attention_scores=True, training=training)[1]
        for scale in (10.0, 0.1)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=0.02)


def test_a_vector_of_zeros_stays_one_and_has_a_gradient() -> None:
    zeros = tf.zeros((1, 2))
    with tf.GradientTape() as tape:
        tape.watch(zeros)
        outputs = rescaled(zeros)
    np.testing.assert_array_equal(outputs, np.zeros((1, 2)))
    assert np.isfinite(tape.gradient(outputs, zeros)).all()


def test_without_a_mask_every_position_counts() -> None:
    layer, query, keys = AttentionPooling((4,)), normal(3, 1, 2), normal(3, 3, 2, seed=1)
    np.testing.assert_array_equal(layer(query, keys), layer(query, keys, mask=np.ones((3, 3), bool)))


def test_the_mask_is_taken_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        AttentionPooling((4, 3), "dice")(normal(3, 1, 2), normal(3, 3, 2), mask=tf.constant(MASK), training=True)


def test_a_softmax_has_no_bias_to_train() -> None:
    plain, softmax = AttentionPooling((4,), "sigmoid"), AttentionPooling((4,), "sigmoid", normalize=True)
    for layer in (plain, softmax):
        layer.build((None, 1, 2), (None, None, 2))
    assert plain.count_params() == (8 * 4 + 4) + (4 + 1)
    assert softmax.count_params() == plain.count_params() - 1


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_masked_softmax_is_safe_at_the_ends_of_the_dtype(dtype: str) -> None:
    scores = np.array([[60000, 60000, -60000], [-60000, -60000, 60000], [1, 2, 3]], dtype)
    mask = np.array([[True, True, True], [True, True, False], [False, False, False]])
    np.testing.assert_array_equal(masked_softmax(scores, mask), [[0.5, 0.5, 0], [0.5, 0.5, 0], [0, 0, 0]])


def test_a_saved_layer_loads(tmp_path: Path) -> None:
    query, keys = keras.Input((1, 2)), keras.Input((None, 2))
    outputs = AttentionPooling((4, 3), "dice", normalize=True)(query, keys)
    model = keras.Model([query, keys], outputs)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    inputs = [normal(3, 1, 2), normal(3, 3, 2, seed=1)]
    np.testing.assert_array_equal(loaded(inputs), model(inputs))
    assert loaded.layers[-1].get_config() == model.layers[-1].get_config()
