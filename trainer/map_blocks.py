"""A function of many rows, computed for some of them at a time."""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from trainer.types import Tensor


def map_blocks(function: Callable[[Tensor], Tensor], inputs: Tensor, size: int) -> Tensor:
    """Applies `function` to blocks of `inputs`, one after the other, and concatenates what it returns.

    Args:
        function: Takes a tensor `[batch, rows, ...]` of up to `size` rows, and returns one `[batch, rows, width]`.
        inputs: Tensor `[batch, rows, ...]`; `rows` may be 0.
        size: The rows of a block; the last one may have fewer.

    Returns:
        Tensor `[batch, rows, width]`.
    """
    blocks = tf.maximum((tf.shape(inputs)[1] + size - 1) // size, 1)

    def body(i: Tensor, outputs: tf.TensorArray) -> tuple[Tensor, tf.TensorArray]:
        block = function(inputs[:, i * size : (i + 1) * size])
        return i + 1, outputs.write(i, tf.transpose(block, (1, 0, 2)))

    outputs = tf.TensorArray(inputs.dtype, size=blocks, infer_shape=False, element_shape=(None, None, None))
    _, outputs = tf.while_loop(lambda i, _: i < blocks, body, (tf.constant(0), outputs), parallel_iterations=1)
    return tf.transpose(outputs.concat(), (1, 0, 2))
