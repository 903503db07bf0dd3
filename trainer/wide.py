"""The wide part of the model: what each token is worth by itself, and what it is worth to meet the candidate's token."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from trainer.embeddings import TokenEmbedding, padding_mask, pool_ids
from trainer.inputs import numeric_names
from trainer.matches import match_counts, matches_width, token_matches
from trainer.types import Tensor
from trainer.valid_positions import ValidPositions
from transform.declaration import FIRST_TOKEN_ID, Category, Declaration, Side, WeightedList, weight_name


class WidePart(keras.layers.Layer):
    """A linear model of the declared columns, whose logit is added to the DNN's.

        logit = sum_c w_c[token_c] + sum_l mean_j w_l[token_lj] + sum_n u_n number_n + sum_x v_x cross_x

    Every column has weights of its own: being the candidate and being in the history are not the same. Lists and histories
    are averaged, weighted lists by their weights. The crosses say whether a history holds the candidate's tokens, column by
    column and jointly, and how often (`log(1 + count)`); and whether a list of the user's that shares a vocabulary with a
    category of the item's holds its token, and with which weight. All weights start at zero.

    Args:
        declaration: Declaration. The features.
        vocabulary_sizes: mapping of str to int. How many tokens each vocabulary has, without the special ids.
        crosses: bool. Whether there are crosses. Defaults to `True`.

    References:
        - [Cheng et al., 2016](https://arxiv.org/abs/1606.07792)
    """

    def __init__(
        self, declaration: Declaration, vocabulary_sizes: Mapping[str, int], crosses: bool = True, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self._declaration = declaration
        self._histories = declaration.histories if crosses else ()
        self._pairs = [
            (pooled, category)
            for pooled in declaration.lists
            for category in declaration.categories
            if crosses and pooled.side == "user" and category.side == "item"
            if declaration.vocabulary_of(pooled.name) == declaration.vocabulary_of(category.name)
        ]
        self.tables = {
            column: TokenEmbedding(
                vocabulary_sizes[vocabulary] + FIRST_TOKEN_ID, 1, "zeros", name=f"weights_{column}", dtype=self.dtype_policy
            )
            for vocabulary, columns in declaration.vocabularies.items()
            for column in columns
        }

    def build(self, input_shape: Any = None) -> None:
        for table in self.tables.values():
            table.build()
        width = sum(2 * matches_width(history) for history in self._histories)
        width += sum(1 + isinstance(pooled, WeightedList) for pooled, _ in self._pairs)
        self.cross_weights = self.add_weight(name="crosses", shape=(width,), initializer="zeros") if width else None
        self.number_weights = {
            feature.name: self.add_weight(name=f"weight_{feature.name}", shape=(), initializer="zeros")
            for feature in self._declaration.numerics
        }
        self.built = True

    def first_order(self, features: Mapping[str, Tensor], side: Side, training: bool | None = None) -> Tensor:
        """The sum of what a side's tokens and numbers are worth, float `[batch]` or, of the item's, `[batch, candidates]`.

        Args:
            features: The side's tensors, shaped as for `DIN.encode_user` or `DIN.encode_item`.
            training: bool. As for `pool_ids`.
        """
        total: Any = 0.0
        for feature in (*self._declaration.categories, *self._declaration.lists):
            if feature.side == side:
                table, ids = self.tables[feature.name], features[feature.name]
                if isinstance(feature, Category):
                    weights = table(ids)
                else:
                    shares = features[weight_name(feature.name)] if isinstance(feature, WeightedList) else None
                    weights = pool_ids(table, ids, "mean", shares, training)
                total = total + weights[..., 0]
        for name in numeric_names(self._declaration, side):
            total = total + ops.cast(features[name], self.compute_dtype) * self.number_weights[name]
        for column in (c for history in self._declaration.histories if side == "user" for c in history.columns):
            total = total + pool_ids(self.tables[column], features[column], "mean", training=training)[..., 0]
        return total

    def crosses(
        self,
        user: Mapping[str, Tensor],
        items: Mapping[str, Tensor],
        matches: Mapping[str, Tensor],
        positions: Mapping[str, ValidPositions] | None = None,
    ) -> Tensor:
        """What the crosses add, float `[batch, candidates]`, or 0 if there are none.

        Args:
            user: The user side's tensors by column.
            items: The item side's tensors by column, with an axis of candidates.
            matches: By history, `token_matches` of it, or, in training, those of its valid positions.
            positions: By history, in training, its valid positions. Defaults to none.
        """
        if self.cross_weights is None:
            return 0.0
        parts = [match_counts(matches[h.name], (positions or {}).get(h.name)) for h in self._histories]
        for pooled, category in self._pairs:
            entries = ops.expand_dims(user[pooled.name], axis=-1)
            found = token_matches(ops.expand_dims(items[category.name], axis=-1), entries)
            parts.append(ops.cast(ops.any(found, axis=2), "float32"))
            if isinstance(pooled, WeightedList):
                shares = ops.where(padding_mask(user[pooled.name]), user[weight_name(pooled.name)], 0)
                shares = shares / ops.maximum(ops.sum(shares, axis=1, keepdims=True), 1e-9)
                weighted = ops.where(found[..., 0], ops.expand_dims(shares, axis=1), 0)
                parts.append(ops.sum(weighted, axis=2)[..., None])
        crosses = ops.concatenate([ops.cast(part, self.compute_dtype) for part in parts], axis=-1)
        return ops.sum(crosses * ops.cast(self.cross_weights, crosses.dtype), axis=-1)
