"""Tests of embeddings and their pooling."""

import numpy as np
import pytest
import tensorflow as tf

from trainer.embeddings import TokenEmbedding, pool, pool_ids

EMBEDDINGS = np.array([[1.0, -2.0], [3.0, -6.0], [np.nan, np.inf]], "float32")
MASK = np.array([True, True, False])
WEIGHTS = np.array([1.0, 3.0, np.nan], "float32")


def test_padding_is_a_zero_vector_and_no_other_id_is() -> None:
    layer = TokenEmbedding(5, 4)
    outputs = np.array(layer(np.array([[0, 1], [4, 0]])))
    assert outputs.shape == (2, 2, 4)
    assert (outputs[[0, 1], [0, 1]] == 0).all()
    assert (outputs[[0, 1], [1, 0]] != 0).all()
    assert layer.count_params() == 5 * 4


def test_padding_is_never_trained() -> None:
    layer = TokenEmbedding(5, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(np.array([[0, 1, 0, 3]])))
    gradient = np.array(tf.convert_to_tensor(tape.gradient(loss, layer.embeddings.value)))
    np.testing.assert_array_equal(gradient.any(axis=-1), [False, True, False, True, False])


def test_the_gradient_touches_the_looked_up_rows_only() -> None:
    layer = TokenEmbedding(1000, 4)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(layer(np.array([[2, 3]])))
    assert isinstance(tape.gradient(loss, layer.embeddings.value), tf.IndexedSlices)


def trained(*rows: int, start: str = "random_normal") -> tuple[TokenEmbedding, np.ndarray]:
    """A table in which training has touched some rows, and its numbers."""
    layer = TokenEmbedding(6, 2, start)
    layer.build()
    table = np.array(layer.embeddings)
    for row in rows:
        table[row] += [row, 1.0]
    layer.embeddings.assign(table)
    layer.settle()
    return layer, table


@pytest.mark.parametrize("start", ["random_normal", "zeros"])
def test_an_out_of_vocabulary_row_that_was_never_trained_is_the_mean_of_the_trained_tokens(start: str) -> None:
    layer, table = trained(2, 5, start=start)
    expected = (table[2] + table[5]) / 2
    np.testing.assert_allclose(layer.embeddings, [expected, expected, table[2], expected, expected, table[5]], rtol=1e-6)
    assert not np.any(layer(np.array([0])))


def test_tokens_that_were_never_trained_are_as_the_out_of_vocabulary_row_and_trained_rows_stay() -> None:
    layer, table = trained(1, 2, 5)
    np.testing.assert_array_equal(layer.embeddings, table[[1, 1, 2, 1, 1, 5]])


def test_a_table_that_was_never_trained_stays_as_it_is() -> None:
    layer, table = trained()
    np.testing.assert_array_equal(layer.embeddings, table)


def test_the_config_is_complete() -> None:
    layer = TokenEmbedding(5, 4, embeddings_initializer="ones", name="t")
    assert TokenEmbedding.from_config(layer.get_config()).get_config() == layer.get_config()


@pytest.mark.parametrize("name", ["input_dim", "output_dim"])
def test_invalid_arguments_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"`{name}` must be positive. Received: 0"):
        TokenEmbedding(**{"input_dim": 5, "output_dim": 4, name: 0})


@pytest.mark.parametrize(
    ("pooling", "weights", "expected"),
    [
        ("mean", None, [2.0, -4.0]),
        ("sum", None, [4.0, -8.0]),
        ("max", None, [3.0, -2.0]),
        ("mean", WEIGHTS, [2.5, -5.0]),
        ("sum", WEIGHTS, [10.0, -20.0]),
        ("max", WEIGHTS, [9.0, -2.0]),
    ],
)
@pytest.mark.parametrize("axes", [(1,), (2, 4)])
def test_padding_has_no_influence(
    pooling: str, weights: np.ndarray | None, expected: list[float], axes: tuple[int, ...]
) -> None:
    embeddings, mask = np.broadcast_to(EMBEDDINGS, (*axes, 3, 2)), np.broadcast_to(MASK, (*axes, 3))
    weights = None if weights is None else np.broadcast_to(weights, (*axes, 3))
    pooled = pool(tf.constant(embeddings), tf.constant(mask), pooling, weights)
    np.testing.assert_allclose(pooled, np.broadcast_to(expected, (*axes, 2)), rtol=1e-6)


@pytest.mark.parametrize("pooling", ["mean", "sum", "max"])
@pytest.mark.parametrize("length", [0, 2])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_an_empty_list_is_a_zero_vector_without_nan(pooling: str, length: int, dtype: str) -> None:
    embeddings = tf.ones((3, length, 2), dtype)
    with tf.GradientTape() as tape:
        tape.watch(embeddings)
        pooled = pool(embeddings, tf.zeros((3, length), "bool"), pooling)
        loss = tf.reduce_sum(pooled**2 + pooled)
    assert pooled.dtype == dtype
    np.testing.assert_array_equal(pooled, np.zeros((3, 2)))
    np.testing.assert_array_equal(tape.gradient(loss, embeddings), np.zeros((3, length, 2)))


def test_weights_that_sum_to_zero_give_a_zero_mean() -> None:
    pooled = pool(tf.ones((1, 2, 3)), tf.ones((1, 2), "bool"), "mean", tf.zeros((1, 2)))
    np.testing.assert_array_equal(pooled, np.zeros((1, 3)))


def test_an_unknown_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match=r"`pooling` must be one of .* Received: 'min'"):
        pool(tf.ones((1, 2, 3)), tf.ones((1, 2), "bool"), "min")


@pytest.mark.parametrize("pooling", ["mean", "sum", "max"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("axes", [(4,), (4, 1), (2, 2)])
def test_training_pools_the_valid_positions_to_the_same_numbers(pooling: str, weighted: bool, axes: tuple[int, ...]) -> None:
    table = TokenEmbedding(5, 3)
    ids = np.array([[2, 0, 3], [0, 0, 0], [4, 4, 2], [0, 0, 0]]).reshape(*axes, 3)
    weights = np.where(ids == 0, np.nan, [0.5, 2.0, -1.0]).astype("float32") if weighted else None
    found = []
    for training in (False, True):
        with tf.GradientTape() as tape:
            pooled = pool_ids(table, tf.constant(ids), pooling, weights, training)
            loss = tf.reduce_sum(pooled**2 + pooled)
        found.append((pooled, tf.convert_to_tensor(tape.gradient(loss, table.embeddings.value))))
    for training_value, value in zip(found[1], found[0], strict=True):
        np.testing.assert_allclose(training_value, value, rtol=1e-5, atol=1e-6)


def test_lists_without_a_length_are_pooled_in_training() -> None:
    pooled = pool_ids(TokenEmbedding(5, 3), tf.zeros((2, 1, 0), tf.int64), "mean", training=True)
    np.testing.assert_array_equal(pooled, np.zeros((2, 1, 3)))
