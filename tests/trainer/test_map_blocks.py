"""Tests of computing rows in blocks."""

import numpy as np
import pytest
import tensorflow as tf

from trainer.map_blocks import map_blocks


@pytest.mark.parametrize("rows", [0, 1, 3, 4, 6, 7])
@pytest.mark.parametrize("traced", [False, True])
def test_the_result_is_that_of_all_rows_at_once(rows: int, traced: bool) -> None:
    inputs = np.random.default_rng(0).normal(size=(2, rows, 5)).astype("float32")

    def mapped(values: tf.Tensor) -> tf.Tensor:
        return map_blocks(lambda block: tf.cumsum(block, axis=2)[:, :, 1:], values, 3)

    if traced:
        mapped = tf.function(mapped, input_signature=[tf.TensorSpec([None, None, 5])])
    np.testing.assert_array_equal(mapped(tf.constant(inputs)), tf.cumsum(inputs, axis=2)[:, :, 1:])


def test_a_block_has_no_more_rows_than_asked_for() -> None:
    seen = []

    def function(block: tf.Tensor) -> tf.Tensor:
        seen.append(block.shape[1])
        return block

    map_blocks(function, tf.zeros((2, 7, 1)), 3)
    assert seen == [3, 3, 1]
