"""Where a history or a list holds the candidate's own tokens: what attention and the wide part are told outright."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from trainer.types import Shape, Tensor
from trainer.valid_positions import ValidPositions
from transform.declaration import FIRST_TOKEN_ID, History


def token_matches(candidates: Tensor, entries: Tensor) -> Tensor:
    """Compares candidates with every entry, column by column, and all columns jointly if there are several.

    Padding matches nothing, nor does an unknown token: two of them need not be the same.

    Args:
        candidates: int tensor `[batch, candidates, columns]`.
        entries: int tensor `[batch, length, columns]`.

    Returns:
        bool tensor `[batch, candidates, length, columns]`, or `columns + 1` with several: the last is true where all are.
    """
    candidates, entries = ops.expand_dims(candidates, axis=2), ops.expand_dims(entries, axis=1)
    equal = ops.logical_and(ops.equal(candidates, entries), ops.greater_equal(candidates, FIRST_TOKEN_ID))
    if equal.shape[-1] == 1:
        return equal
    return ops.concatenate([equal, ops.all(equal, axis=-1, keepdims=True)], axis=-1)


def matches_width(history: History) -> int:
    """How many matches `token_matches` has for each position of a history."""
    return len(history.columns) + (len(history.columns) > 1)


def matches_at(positions: ValidPositions, candidates: Tensor, entries: Tensor) -> Tensor:
    """The numbers of `token_matches` at the valid positions alone: bool `[positions, candidates, columns (+ 1)]`."""
    each = ops.expand_dims(positions.take(entries), axis=1)
    return ops.squeeze(token_matches(positions.spread(candidates), each), axis=2)


def match_counts(matches: Tensor, positions: ValidPositions | None = None) -> Tensor:
    """Whether there is a match, and `log(1 + count)`: float `[batch, candidates, 2 n]`.

    Args:
        matches: bool tensor `[batch, candidates, length, n]`; with `positions` `[positions, candidates, n]`.
        positions: The valid positions, if the matches are theirs.
    """
    found = ops.cast(matches, "float32")
    count = ops.sum(found, axis=-2) if positions is None else positions.sum(found)
    return ops.concatenate([ops.cast(count > 0, "float32"), ops.log1p(count)], axis=-1)


@keras.saving.register_keras_serializable(package="community_din")
class MatchBias(keras.layers.Layer):
    """What matching tokens and age add to the scores of an attention.

        bias(q, k_j) = sum_m w_m match_m(q, k_j) + v[min(floor(log2(age_j + 1)), 7)]

    The age of a position counts the valid positions after it: that of the newest is 0. All weights start at zero: so does
    the bias. One weight finds an interaction in few steps that embeddings, which start small, find in many.

    Example:

    >>> matches, mask = keras.ops.ones((2, 5, 3, 1), "bool"), keras.ops.ones((2, 3), "bool")
    >>> MatchBias()(matches, mask).shape
    TensorShape([2, 5, 3])
    """

    AGES = 8

    def build(self, matches_shape: Shape, mask_shape: Shape | None = None) -> None:
        self.match = self.add_weight(name="match", shape=(int(matches_shape[-1] or 0),), initializer="zeros")
        self.age = self.add_weight(name="age", shape=(self.AGES,), initializer="zeros")

    def call(self, matches: Tensor, mask: Tensor, positions: ValidPositions | None = None) -> Tensor:
        """Computes the bias.

        Args:
            matches: bool tensor `[batch, candidates, length, n]`; with `positions` `[positions, candidates, n]`.
            mask: bool tensor `[batch, length]`.
            positions: The valid positions, if the matches are theirs.

        Returns:
            float tensor `[batch, candidates, length]`; with `positions` `[positions, candidates]`.
        """
        if positions is None:
            valid = ops.cast(mask, "int32")
            age = ops.sum(valid, axis=1, keepdims=True) - ops.cumsum(valid, axis=1)
        else:
            age = positions.age
        bounds = ops.convert_to_tensor([2**i - 1 for i in range(1, self.AGES)])
        bucket = ops.sum(ops.cast(ops.expand_dims(age, axis=-1) >= bounds, "int32"), axis=-1)
        bias = ops.expand_dims(ops.take(self.age, bucket, axis=0), axis=1)
        for i in range(matches.shape[-1]):
            bias = bias + ops.cast(matches[..., i], bias.dtype) * self.match[i]
        return bias

    def compute_output_shape(self, matches_shape: Shape, mask_shape: Shape) -> Shape:
        return matches_shape[:-1]

    def get_config(self) -> dict[str, Any]:
        return super().get_config()
