"""Attention of candidates over a history: the interest vector of the Deep Interest Network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from trainer.local_activation_unit import LocalActivationUnit
from trainer.types import Shape, Tensor
from trainer.valid_positions import ValidPositions

# A hundredth of the mean square of embeddings as they start: what is smaller still is not blown up.
SMALLEST_SQUARE = 1e-6


@keras.saving.register_keras_serializable(package="community_din")
class AttentionPooling(keras.layers.Layer):
    """Pools a history into one interest vector per candidate, weighted by a local activation unit.

        interest(q) = sum_j w_j k_j,    w_j = score(q / |q|, k_j / |k_j|), or with `normalize` the softmax_j of these

    where |x| is the root mean square. Embeddings start small and grow with what is seen of their tokens. A score of them as
    they are would hardly differ from key to key, and tell its weights less still: all of a history would count the same.

    Masked positions have the weight 0 exactly. An empty history gives a zero vector, with and without softmax.

    Args:
        hidden_units: sequence of int. The hidden widths of the local activation unit. Defaults to `(64, 32)`.
        activation: str. Its activation. Defaults to `"dice"`.
        normalize: bool. Whether the weights are a softmax over the history. The paper keeps the raw scores, whose sum
            tells how strong an interest is. Defaults to `False`.

    Example:

    >>> query, keys = keras.random.normal((2, 1, 8)), keras.random.normal((2, 5, 8))
    >>> AttentionPooling()(query, keys, mask=keys[..., 0] > 0).shape
    TensorShape([2, 1, 8])

    References:
        - [Zhou et al., 2018](https://arxiv.org/abs/1706.06978), equation 2
    """

    def __init__(
        self,
        hidden_units: Sequence[int] = (64, 32),
        activation: str = "dice",
        normalize: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.unit = LocalActivationUnit(
            hidden_units, activation, output_bias=not normalize, name="unit", dtype=self.dtype_policy
        )
        self.normalize = normalize

    def build(self, query_shape: Shape, keys_shape: Shape) -> None:
        self.unit.build(query_shape, keys_shape)

    def call(
        self,
        query: Tensor,
        keys: Tensor,
        mask: Tensor | None = None,
        return_attention_scores: bool = False,
        training: bool | None = None,
        bias: Tensor | None = None,
        positions: ValidPositions | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Attends.

        Args:
            query: float tensor `[batch, candidates, dim]`.
            keys: float tensor `[batch, keys, dim]`; `keys` may be 0.
            mask: bool tensor `[batch, keys]`: the positions that hold an item. Defaults to all.
            return_attention_scores: bool. Whether to return the weights too. Defaults to `False`.
            training: bool. Whether to compute for the valid positions alone, with Dice's statistics of the batch.
            bias: float tensor `[batch, candidates, keys]`, added to the scores. Defaults to none.
            positions: In training, the positions of `mask`, if the caller has gathered them: then `keys` is
                `[positions, dim]` and `bias` `[positions, candidates]`.

        Returns:
            Float tensor `[batch, candidates, dim]`; with `return_attention_scores` a pair of it and the weights
            `[batch, candidates, keys]`.
        """
        if mask is None:
            mask = ops.ones(ops.shape(keys)[:2], dtype="bool")
        if training:
            if positions is None:
                positions = ValidPositions(mask)
                keys = positions.take(keys)
                bias = None if bias is None else positions.take(ops.transpose(bias, (0, 2, 1)))
            return self._attend_to(positions, query, keys, return_attention_scores, bias)
        scores = self.unit(rescaled(query), rescaled(keys))
        if bias is not None:
            scores = scores + ops.cast(bias, scores.dtype)
        valid = ops.expand_dims(mask, axis=1)
        weights = masked_softmax(scores, valid) if self.normalize else ops.where(valid, scores, 0)
        interest = ops.matmul(weights, keys)
        return (interest, weights) if return_attention_scores else interest

    def _attend_to(
        self, positions: ValidPositions, query: Tensor, keys: Tensor, return_attention_scores: bool, bias: Tensor | None
    ) -> Tensor | tuple[Tensor, Tensor]:
        scores = self.unit(rescaled(query), rescaled(keys), positions=positions)
        if bias is not None:
            scores = scores + ops.cast(bias, scores.dtype)
        weights = positions.softmax(scores) if self.normalize else scores
        interest = positions.sum(ops.expand_dims(weights, axis=-1) * ops.expand_dims(keys, axis=1))
        return (interest, ops.transpose(positions.pad(weights), (0, 2, 1))) if return_attention_scores else interest

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor | None) -> None:
        """The interests carry no Keras mask: `mask` is an argument."""

    def compute_output_shape(self, query_shape: Shape, keys_shape: Shape) -> Shape:
        return (*query_shape[:2], keys_shape[-1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_units": self.unit.hidden_units,
            "activation": self.unit.activation,
            "normalize": self.normalize,
        }


def rescaled(vectors: Tensor) -> Tensor:
    """Vectors of any size along the last axis as ones whose root mean square is 1; a vector of zeros stays one."""
    squares = ops.mean(ops.square(vectors), axis=-1, keepdims=True)
    return vectors * ops.rsqrt(squares + SMALLEST_SQUARE)


def masked_softmax(scores: Tensor, mask: Tensor) -> Tensor:
    """Softmax over the last axis among unmasked positions; 0 elsewhere, and everywhere if all are masked.

    No large finite number stands in for the mask, so no dtype overflows.

    Args:
        scores: float tensor `[..., positions]`; `positions` may be 0.
        mask: bool tensor that broadcasts to the same shape.
    """
    lowest = float("-inf")
    largest = ops.max(ops.where(mask, scores, lowest), axis=-1, keepdims=True, initial=lowest)
    largest = ops.where(ops.isfinite(largest), ops.stop_gradient(largest), 0)
    exponentials = ops.where(mask, ops.exp(ops.where(mask, scores - largest, 0)), 0)
    total = ops.sum(exponentials, axis=-1, keepdims=True)
    return exponentials / ops.where(total > 0, total, 1)
