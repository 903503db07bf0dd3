"""Embeddings of tokens, and their pooling over lists."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from trainer.types import Shape, Tensor
from trainer.valid_positions import ValidPositions
from transform.declaration import FIRST_TOKEN_ID, OOV_ID, PADDING_ID, POOLINGS


@keras.saving.register_keras_serializable(package="community_din")
class TokenEmbedding(keras.layers.Layer):
    """Looks up token embeddings; padding is a zero vector that is never trained.

    Args:
        input_dim: int. The number of rows: the vocabulary's tokens and the two special ids.
        output_dim: int. The width of an embedding.
        embeddings_initializer: The initializer of the table. Defaults to a normal distribution whose standard deviation
            of `0.5 / sqrt(output_dim)` gives embeddings a norm of about 0.5 whatever their width.

    Example:

    >>> TokenEmbedding(10, 4)(keras.ops.array([[3, 0]])).shape
    TensorShape([1, 2, 4])
    """

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if value < 1:
                raise ValueError(f"`{name}` must be positive. Received: {value!r}.")
        self.input_dim = input_dim
        self.output_dim = output_dim
        self.embeddings_initializer = keras.initializers.get(
            embeddings_initializer or keras.initializers.RandomNormal(stddev=0.5 * output_dim**-0.5)
        )

    def build(self, input_shape: Shape | None = None) -> None:
        self.embeddings = self.add_weight(
            name="embeddings", shape=(self.input_dim, self.output_dim), initializer=self.embeddings_initializer
        )

    def call(self, inputs: Tensor) -> Tensor:
        """Looks ids up: int tensor `[...]` to float tensor `[..., output_dim]`."""
        outputs = ops.take(self.embeddings, inputs, axis=0)
        return outputs * ops.cast(ops.expand_dims(padding_mask(inputs), axis=-1), outputs.dtype)

    def settle(self) -> None:
        """Gives the rows that training never touched what is known of no token in particular, once it is over.

        They are what they started as: noise, or zero, and neither is unremarkable. What is true of every token, the click
        rate above all, has moved all trained rows the same way. An untouched out-of-vocabulary row becomes the mean of the
        tokens' trained rows; the other untouched rows become the out-of-vocabulary row.
        """
        table = np.array(ops.convert_to_numpy(self.embeddings))
        # An initializer gives the same numbers each time.
        start = ops.convert_to_numpy(self.embeddings_initializer(table.shape, dtype=self.embeddings.dtype))
        touched = (table != start).any(axis=1)
        tokens = touched & (np.arange(len(table)) >= FIRST_TOKEN_ID)
        if not touched[OOV_ID] and tokens.any():
            table[OOV_ID] = table[tokens].mean(axis=0, dtype=np.float64)
            touched[OOV_ID] = True
        if touched[OOV_ID]:
            table[~touched] = table[OOV_ID]
            self.embeddings.assign(table)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape, self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "embeddings_initializer": keras.initializers.serialize(self.embeddings_initializer),
        }


def padding_mask(ids: Tensor) -> Tensor:
    """True where an id is a token, False where it is padding."""
    return ops.not_equal(ids, PADDING_ID)


def pool_ids(
    table: TokenEmbedding, ids: Tensor, pooling: str, weights: Tensor | None = None, training: bool | None = None
) -> Tensor:
    """Looks up and pools lists, as `pool` does; in training by their valid positions alone.

    Args:
        table: The embeddings.
        ids: int tensor `[..., length]`, padded with 0.
        pooling: str. As for `pool`.
        weights: float tensor `[..., length]`. Defaults to 1 each.
        training: bool. Which form computes; the numbers are the same.

    Returns:
        Float tensor `[..., dim]`.
    """
    if not training:
        return pool(table(ids), padding_mask(ids), pooling, weights)
    *lists, length = ops.shape(ids)
    shape = (math.prod(lists), length)
    ids = ops.reshape(ids, shape)
    positions = ValidPositions(padding_mask(ids))
    weighted = table(positions.take(ids))
    if weights is None:
        divisor = ops.expand_dims(ops.cast(positions.counts, weighted.dtype), axis=-1)
    else:
        shares = ops.expand_dims(positions.take(ops.cast(ops.reshape(weights, shape), weighted.dtype)), axis=-1)
        weighted, divisor = weighted * shares, positions.sum(shares)
    pooled = positions.max(weighted) if pooling == "max" else positions.sum(weighted)
    if pooling == "mean":
        pooled = pooled / ops.where(ops.equal(divisor, 0), 1, divisor)
    return ops.reshape(pooled, (*lists, table.output_dim))


def pool(embeddings: Tensor, mask: Tensor, pooling: str, weights: Tensor | None = None) -> Tensor:
    """Pools the embeddings of lists. An empty list is a zero vector.

        mean: sum_j w_j e_j / sum_j w_j, zero if the weights sum to 0;    sum: sum_j w_j e_j;    max: max_j w_j e_j

    Args:
        embeddings: float tensor `[..., length, dim]`; `length` may be 0.
        mask: bool tensor `[..., length]`. What is masked has no influence, whatever `embeddings` and `weights` hold.
        pooling: str. `"mean"`, `"sum"` or `"max"`.
        weights: float tensor `[..., length]`. Defaults to 1 each.

    Returns:
        Float tensor `[..., dim]`.
    """
    if pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {POOLINGS}. Received: {pooling!r}.")
    weights = ops.ones_like(embeddings[..., 0]) if weights is None else ops.cast(weights, embeddings.dtype)
    weights = ops.expand_dims(ops.where(mask, weights, 0), axis=-1)
    valid = ops.expand_dims(mask, axis=-1)
    weighted = ops.where(valid, embeddings, 0) * weights
    if pooling == "max":
        lowest = float("-inf")
        largest = ops.max(ops.where(valid, weighted, lowest), axis=-2, initial=lowest)
        return ops.where(ops.any(valid, axis=-2), largest, 0)
    total = ops.sum(weighted, axis=-2)
    if pooling == "sum":
        return total
    divisor = ops.sum(weights, axis=-2)
    return total / ops.where(ops.equal(divisor, 0), 1, divisor)
