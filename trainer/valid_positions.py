"""The valid positions of padded lists, one after the other: what training computes with."""

from __future__ import annotations

import functools
from typing import Any

import tensorflow as tf

from trainer.types import Tensor


class ValidPositions:
    """Moves tensors between padded lists, their rows, and the positions that hold something.

    Over half of a batch of real histories is padding, and it costs what tokens cost. Positions stand in the order of their
    rows, so that sums over rows are sums over runs, many times as fast as adding up in any order.

    Args:
        mask: bool tensor `[rows, length]`: the valid positions. Their number is called `positions` below.
    """

    def __init__(self, mask: Tensor) -> None:
        self._mask = tf.convert_to_tensor(mask)
        self._rows = tf.shape(self._mask, tf.int32)[0]
        self._index = tf.cast(tf.where(tf.reshape(self._mask, [-1]))[:, 0], tf.int32)
        self.row = self._index // tf.maximum(tf.shape(self._mask, tf.int32)[1], 1)

    @functools.cached_property
    def counts(self) -> Tensor:
        """How many valid positions each row has, int32 `[rows]`."""
        return tf.reduce_sum(tf.cast(self._mask, tf.int32), axis=1)

    @functools.cached_property
    def age(self) -> Tensor:
        """How many valid positions come after each one in its row, int32 `[positions]`."""
        ends = tf.gather(tf.cumsum(self.counts), self.row)
        return ends - 1 - tf.range(tf.size(self.row))

    def take(self, padded: Tensor) -> Tensor:
        """The values at the valid positions: `[rows, length, ...]` to `[positions, ...]`."""
        padded = tf.convert_to_tensor(padded)
        flat = tf.reshape(padded, tf.concat([[-1], tf.shape(padded)[2:]], axis=0))
        return tf.ensure_shape(tf.gather(flat, self._index), [None, *padded.shape[2:]])

    def pad(self, values: Tensor) -> Tensor:
        """The inverse of `take`, with 0 elsewhere: `[positions, ...]` to `[rows, length, ...]`."""
        shape, inner = tf.shape(self._mask), tf.shape(values)[1:]
        flat = tf.scatter_nd(self._index[:, None], values, tf.concat([[tf.size(self._mask)], inner], axis=0))
        return tf.reshape(flat, tf.concat([shape, inner], axis=0))

    def spread(self, values: Tensor) -> Tensor:
        """What belongs to each position's row: `[rows, ...]` to `[positions, ...]`."""

        @tf.custom_gradient  # TensorFlow's own adds up in any order
        def spread(values: Tensor) -> Any:
            return tf.gather(values, self.row), self.sum

        return spread(values)

    def sum(self, values: Tensor) -> Tensor:
        """The sums over each row's positions: `[positions, ...]` to `[rows, ...]`; 0 where there are none."""
        return self._complete(tf.math.segment_sum(values, self.row))

    def max(self, values: Tensor) -> Tensor:
        """The largest over each row's positions, as `sum`."""
        return self._complete(tf.math.segment_max(values, self.row))

    def softmax(self, scores: Tensor) -> Tensor:
        """The softmax over each row's positions, of each column: float `[positions, columns]` to the same."""
        exponentials = tf.exp(scores - tf.gather(tf.stop_gradient(self.max(scores)), self.row))
        return exponentials / self.spread(self.sum(exponentials))

    def _complete(self, rows: Tensor) -> Tensor:
        """Adds the rows behind the last one that has a position."""
        missing = self._rows - tf.shape(rows)[0]
        return tf.pad(rows, [[0, missing], *[[0, 0]] * (rows.shape.rank - 1)])
