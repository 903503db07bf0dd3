"""Tests of the valid positions of padded lists."""

import numpy as np
import pytest
import tensorflow as tf

from trainer.valid_positions import ValidPositions

# Rows of every kind: gaps, full, empty in the middle and at the end.
MASK = np.array([[True, False, True], [False, False, False], [True, True, True], [False, False, False]])
VALUES = np.arange(24.0, dtype="float32").reshape(4, 3, 2)


def test_positions_are_taken_row_after_row_and_put_back() -> None:
    positions = ValidPositions(MASK)
    taken = positions.take(VALUES)
    np.testing.assert_array_equal(taken, VALUES[MASK])
    np.testing.assert_array_equal(positions.pad(taken), VALUES * MASK[..., None])


def test_rows_have_counts_and_positions_ages() -> None:
    positions = ValidPositions(MASK)
    np.testing.assert_array_equal(positions.counts, [2, 0, 3, 0])
    np.testing.assert_array_equal(positions.age, [1, 0, 2, 1, 0])


def test_rows_are_summed_and_their_largest_found_and_those_without_a_position_are_zero() -> None:
    positions = ValidPositions(MASK)
    taken = positions.take(VALUES - 100)
    np.testing.assert_array_equal(positions.sum(taken), ((VALUES - 100) * MASK[..., None]).sum(axis=1))
    np.testing.assert_array_equal(positions.max(taken), [[-96, -95], [0, 0], [-84 + 0, -83], [0, 0]])


def test_the_gradient_of_what_is_spread_is_its_rows_sum() -> None:
    positions, rows, factors = ValidPositions(MASK), tf.constant(VALUES[:, 0]), VALUES[MASK]
    with tf.GradientTape() as tape:
        tape.watch(rows)
        loss = tf.reduce_sum(positions.spread(rows) * factors)
    np.testing.assert_array_equal(positions.spread(rows), VALUES[[0, 0, 2, 2, 2], 0])
    np.testing.assert_array_equal(tape.gradient(loss, rows), (VALUES * MASK[..., None]).sum(axis=1))


def test_a_softmax_is_safe_at_large_scores_and_its_gradient_is_that_of_the_formula() -> None:
    scores = tf.constant([[1.0], [2.0], [1e4], [-1e4], [1e4]])
    positions = ValidPositions(MASK)
    np.testing.assert_allclose(positions.softmax(scores)[2:, 0], [0.5, 0, 0.5])
    factors = np.array([[1.0], [3.0], [0.0], [0.0], [0.0]], "float32")
    with tf.GradientTape() as tape:
        tape.watch(scores)
        loss = tf.reduce_sum(positions.softmax(scores) * factors)
    first = 1 / (1 + np.e)
    slope = first * (1 - first) * (1 - 3)
    np.testing.assert_allclose(tape.gradient(loss, scores)[:, 0], [slope, -slope, 0, 0, 0], rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("shape", [(3, 0), (3, 2), (0, 2)])
def test_without_any_position_all_is_empty_or_zero(shape: tuple[int, int]) -> None:
    positions = ValidPositions(np.zeros(shape, bool))
    taken = positions.take(np.ones((*shape, 4), "float32"))
    assert taken.shape == (0, 4)
    np.testing.assert_array_equal(positions.sum(taken), np.zeros((shape[0], 4)))
    np.testing.assert_array_equal(positions.pad(taken), np.zeros((*shape, 4)))
    assert positions.softmax(taken).shape == positions.spread(np.ones((shape[0], 4), "float32")).shape == (0, 4)


def test_shapes_may_be_known_at_run_time_only() -> None:
    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.bool), tf.TensorSpec([None, None, 2])])
    def summed(mask: tf.Tensor, values: tf.Tensor) -> tf.Tensor:
        positions = ValidPositions(mask)
        return positions.sum(positions.take(values))

    np.testing.assert_array_equal(summed(MASK, VALUES), (VALUES * MASK[..., None]).sum(axis=1))
