"""The Deep Interest Network."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from typing import Any

import keras
from keras import ops

from trainer.attention import AttentionPooling
from trainer.declaration_config import declaration_from_config, declaration_to_config
from trainer.dnn import DNN
from trainer.embeddings import TokenEmbedding, padding_mask
from trainer.hyperparameters import Hyperparameters
from trainer.inputs import check_inputs, input_names
from trainer.matches import MatchBias, matches_at, matches_width, token_matches
from trainer.side_vector import SideVector
from trainer.types import Tensor
from trainer.valid_positions import ValidPositions
from trainer.wide import WidePart
from transform.declaration import FIRST_TOKEN_ID, Declaration, History, Side

Tensors = dict[str, Tensor]

RAW = "column "  # before the names of columns that pass through the encodings


@keras.saving.register_keras_serializable(package="community_din")
class DIN(keras.Model):
    """Deep Interest Network over the declared features: the logit that a user responds to a candidate item.

    A vocabulary's columns share one embedding table. Lists are pooled. Every history is pooled by an attention of its
    own, whose query is the candidate. Context, candidate and interests go through the DNN. A wide part adds to its logit a
    weight per token and column, averaged over lists and histories, and what it is worth that a history or a list of the
    user's holds the candidate's own token. The user is encoded once and scored against any number of candidates:

        call(features) = score(encode_user(features), encode_item(features with one candidate a row))

    Where a share w of the negatives trains, the odds that the model learns are 1/w times too high: outside of training,
    log(w) is added to the logit ([He et al., 2014](https://doi.org/10.1145/2648584.2648589), section 6.3).

    All weights exist as soon as the model does.

    Args:
        declaration: Declaration. The features.
        vocabulary_sizes: mapping of str to int. How many tokens, or hash buckets, each of the declaration's vocabularies
            has, without the special ids.
        hyperparameters: Hyperparameters. Defaults to their defaults.
        pretrained_shapes: mapping of str to (int, int). How many vectors each of the declaration's given tables has, and how
            wide they are. They start at zero: `set_pretrained` sets them.

    References:
        - [Zhou et al., 2018](https://arxiv.org/abs/1706.06978)
    """

    def __init__(
        self,
        declaration: Declaration,
        vocabulary_sizes: Mapping[str, int],
        hyperparameters: Hyperparameters | None = None,
        pretrained_shapes: Mapping[str, tuple[int, int]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        vocabularies = declaration.vocabularies
        for vocabulary in vocabularies:
            size = vocabulary_sizes.get(vocabulary)
            if not isinstance(size, numbers.Integral) or size < 0:
                raise ValueError(f"`vocabulary_sizes` must hold a size for vocabulary {vocabulary!r}. Received: {size!r}.")
        settings = hyperparameters or Hyperparameters()
        self._declaration = declaration
        self._vocabulary_sizes = {vocabulary: int(vocabulary_sizes[vocabulary]) for vocabulary in vocabularies}
        self._hyperparameters = settings
        self._correction = math.log(settings.negative_share)
        self.tables = {
            vocabulary: TokenEmbedding(
                size + FIRST_TOKEN_ID,
                settings.embedding_dim,
                keras.initializers.RandomNormal(stddev=settings.embedding_start),
                name=f"table_{vocabulary}",
                dtype=self.dtype_policy,
            )
            for vocabulary, size in self._vocabulary_sizes.items()
        }
        self._pretrained_shapes = {name: tuple(shape) for name, shape in (pretrained_shapes or {}).items()}
        self.pretrained: dict[str, TokenEmbedding] = {}
        for feature in declaration.pretrained:
            if feature.name not in self._pretrained_shapes:
                raise ValueError(
                    f"`pretrained_shapes` must hold a shape for {feature.name!r}. Received: {pretrained_shapes!r}."
                )
            rows, width = self._pretrained_shapes[feature.name]
            self.pretrained[feature.name] = TokenEmbedding(
                rows + 1, width, "zeros", name=f"pretrained_{feature.name}", trainable=feature.tuned, dtype=self.dtype_policy
            )
        self.user_vector = SideVector(declaration, "user", self.tables, self.pretrained)
        self.item_vector = SideVector(declaration, "item", self.tables, self.pretrained)
        self.wide: WidePart | None = None
        if settings.wide:
            self.wide = WidePart(
                declaration, self._vocabulary_sizes, settings.wide_crosses, name="wide", dtype=self.dtype_policy
            )
        self.match_biases: dict[str, MatchBias] = {}
        self.attentions: dict[str, AttentionPooling] = {}
        if settings.interest_pooling == "attention":
            self.attentions = {
                history.name: AttentionPooling(
                    settings.attention_hidden_units,
                    settings.attention_activation,
                    normalize=settings.attention_normalize,
                    name=f"attention_{history.name}",
                    dtype=self.dtype_policy,
                )
                for history in declaration.histories
            }
            if settings.attention_match_bias:
                self.match_biases = {
                    history.name: MatchBias(name=f"match_bias_{history.name}", dtype=self.dtype_policy)
                    for history in declaration.histories
                }
        self.dnn = DNN(
            settings.dnn_hidden_units,
            settings.dnn_activation,
            batch_norm=settings.batch_norm,
            dropout=settings.dropout,
            l2=settings.l2,
            name="dnn",
            dtype=self.dtype_policy,
        )
        self._build_layers()

    def _build_layers(self) -> None:
        declaration, dim = self._declaration, self._hyperparameters.embedding_dim
        for table in (*self.tables.values(), *self.pretrained.values()):
            table.build()
        shapes = [(None, None, vector.width) for vector in (self.user_vector, self.item_vector) if vector.width]
        for history in declaration.histories:
            shape = (None, None, dim * len(history.queries))
            shapes.append(shape)
            if history.name in self.attentions:
                self.attentions[history.name].build(shape, shape)
            if history.name in self.match_biases:
                self.match_biases[history.name].build((None, None, None, matches_width(history)))
        if self.wide is not None:
            self.wide.build()
        self.dnn.build(shapes)
        self.built = True

    @property
    def declaration(self) -> Declaration:
        return self._declaration

    @property
    def trained_tables(self) -> list[TokenEmbedding]:
        """The tables of embeddings that training changes: those of the vocabularies, and given ones that are tuned."""
        tuned = [self.pretrained[feature.name] for feature in self._declaration.pretrained if feature.tuned]
        return [*self.tables.values(), *tuned]

    def settle(self) -> None:
        """Makes tokens that training has not seen score as ones of which nothing is known; see `TokenEmbedding.settle`."""
        for table in (*self.tables.values(), *(self.wide.tables.values() if self.wide is not None else ())):
            table.settle()

    def set_pretrained(self, name: str, vectors: Any) -> None:
        """Sets the vectors of a given table, float `[rows, width]`: row i gets the id i + 1."""
        table = self.pretrained[name].embeddings
        table.assign(ops.concatenate([ops.zeros((1, table.shape[1]), table.dtype), ops.cast(vectors, table.dtype)], axis=0))

    @property
    def hyperparameters(self) -> Hyperparameters:
        return self._hyperparameters

    def call(self, features: Mapping[str, Tensor], training: bool | None = None) -> Tensor:
        """Computes the logit of one candidate a row.

        Args:
            features: Tensors by column. Categories int64 `[batch]`; numbers float32 `[batch]`; lists and history columns
                int64 `[batch, length]`, padded with 0; and the weights of a weighted list, `weight_name(column)`, float32
                `[batch, length]`. Others (the label, say) are ignored.
            training: bool. Whether batch statistics are used and values are dropped.

        Returns:
            Logits, float tensor `[batch]`.
        """
        check_inputs(features, self._declaration, "item")
        one_candidate = {name: features[name][:, None] for name in input_names(self._declaration, "item")}
        user, items = self.encode_user(features, training), self.encode_item(one_candidate, training)
        return ops.squeeze(self.score(user, items, training), axis=1)

    def encode_user(self, features: Mapping[str, Tensor], training: bool | None = None) -> Tensors:
        """Encodes users: what `score` needs of them.

        Args:
            features: The user side's tensors, shaped as for `call`.
            training: bool. Whether it is for a `score` that trains, which needs the valid positions of histories alone.

        Returns:
            The columns, which the wide part and the matches need; `"wide"`: their first-order sum, float `[batch]`;
            `"context"`: the user's categories, pooled lists and numbers, float `[batch, width]`, absent if there are none;
            and for each history `"<name>_keys"`, float `[batch, length, dim]`, and `"<name>_mask"`, bool
            `[batch, length]`: whether any column of the history has a token there. In training `"<name>_positions"`, the
            `ValidPositions` of the mask, and keys `[positions, dim]`.
        """
        check_inputs(features, self._declaration, "user")
        encoded = self._columns(features, "user")
        if self.wide is not None and self._declaration.side_columns("user"):
            encoded["wide"] = self.wide.first_order(features, "user", training)
        if self.user_vector.width:
            encoded["context"] = self.user_vector(features, training)
        for history in self._declaration.histories:
            masks = [padding_mask(features[column]) for column in history.columns]
            mask = masks[0]
            for other in masks[1:]:
                mask = ops.logical_or(mask, other)
            columns = {column: features[column] for column in history.columns}
            if training:
                positions = encoded[f"{history.name}_positions"] = ValidPositions(mask)
                columns = {column: positions.take(ids) for column, ids in columns.items()}
            encoded[f"{history.name}_keys"] = self._concatenated(columns, history.columns)
            encoded[f"{history.name}_mask"] = mask
        return encoded

    def encode_item(self, features: Mapping[str, Tensor], training: bool | None = None) -> Tensors:
        """Encodes candidates: what `score` needs of them.

        Args:
            features: The item side's tensors, with an axis of candidates: categories int64 `[batch, candidates]`; numbers
                float32 of the same shape; lists int64 `[batch, candidates, length]`; the weights of a weighted list float32
                of the same shape.
            training: bool. As for `encode_user`.

        Returns:
            `"item"`: the item's categories, pooled lists and numbers, float `[batch, candidates, width]`; and for each
            history `"<name>_query"`, float `[batch, candidates, dim]`.
        """
        check_inputs(features, self._declaration, "item")
        encoded = self._columns(features, "item")
        encoded["item"] = self.item_vector(features, training)
        if self.wide is not None:
            encoded["wide"] = self.wide.first_order(features, "item", training)
        for history in self._declaration.histories:
            candidates = tuple(candidate for _, candidate in history.queries)
            encoded[f"{history.name}_query"] = self._concatenated(features, candidates)
        return encoded

    def score(
        self,
        user: Mapping[str, Tensor],
        items: Mapping[str, Tensor],
        training: bool | None = None,
        return_attention_scores: bool = False,
    ) -> Any:
        """Scores candidates for users.

        Args:
            user: What `encode_user` returned.
            items: What `encode_item` returned.
            training: bool. Whether batch statistics are used and values are dropped.
            return_attention_scores: bool. Whether to return the weights of the histories too. Defaults to `False`.

        Returns:
            Logits, float tensor `[batch, candidates]`; with `return_attention_scores` a pair of it and, for each
            history's name, the weights of its positions, float `[batch, candidates, length]`, 0 on padding.
        """
        parts = [ops.expand_dims(user["context"], axis=1)] if "context" in user else []
        parts.append(items["item"])
        attention_scores: Tensors = {}
        matches = {history.name: self._matches(history, user, items) for history in self._declaration.histories}
        for history in self._declaration.histories:
            interest, weights = self._interest(history, user, items, training, matches[history.name])
            parts.append(interest)
            attention_scores[history.name] = weights
        logits = self.dnn(parts, training=training)
        if self.wide is not None:
            first_order = ops.expand_dims(user["wide"], axis=1) if "wide" in user else 0
            logits = logits + first_order + items["wide"] + self._crosses(user, items, matches)
        if not training:
            logits = logits + self._correction
        return (logits, attention_scores) if return_attention_scores else logits

    def _columns(self, features: Mapping[str, Tensor], side: Side) -> Tensors:
        return {f"{RAW}{name}": features[name] for name in input_names(self._declaration, side)}

    def _matches(self, history: History, user: Mapping[str, Tensor], items: Mapping[str, Tensor]) -> Tensor:
        candidates = ops.stack([items[f"{RAW}{candidate}"] for _, candidate in history.queries], axis=-1)
        entries = ops.stack([user[f"{RAW}{column}"] for column in history.columns], axis=-1)
        positions = user.get(f"{history.name}_positions")
        return token_matches(candidates, entries) if positions is None else matches_at(positions, candidates, entries)

    def _crosses(self, user: Mapping[str, Tensor], items: Mapping[str, Tensor], matches: Tensors) -> Tensor:
        names = [history.name for history in self._declaration.histories if f"{history.name}_positions" in user]
        positions = {name: user[f"{name}_positions"] for name in names}
        assert self.wide is not None
        return self.wide.crosses(_raw(user), _raw(items), matches, positions)

    def _interest(
        self,
        history: History,
        user: Mapping[str, Tensor],
        items: Mapping[str, Tensor],
        training: bool | None,
        matches: Tensor,
    ) -> tuple[Tensor, Tensor]:
        query, keys, mask = items[f"{history.name}_query"], user[f"{history.name}_keys"], user[f"{history.name}_mask"]
        positions = user.get(f"{history.name}_positions")
        if history.name in self.attentions:
            match_bias = self.match_biases.get(history.name)
            return self.attentions[history.name](
                query,
                keys,
                mask=mask,
                return_attention_scores=True,
                training=training,
                bias=None if match_bias is None else match_bias(matches, mask, positions=positions),
                positions=positions,
            )
        valid = ops.expand_dims(ops.cast(mask, keys.dtype), axis=1)
        weights = valid / ops.maximum(ops.sum(valid, axis=-1, keepdims=True), 1)
        everywhere = ops.broadcast_to(weights, (*ops.shape(query)[:2], ops.shape(mask)[1]))
        if positions is None:
            return ops.matmul(weights, keys), everywhere
        interest = ops.expand_dims(positions.sum(keys), axis=1) / ops.maximum(ops.sum(valid, axis=-1, keepdims=True), 1)
        return interest, everywhere

    def _embed(self, features: Mapping[str, Tensor], column: str) -> Tensor:
        return self.tables[self._declaration.vocabulary_of(column)](features[column])

    def _concatenated(self, features: Mapping[str, Tensor], columns: tuple[str, ...]) -> Tensor:
        return ops.concatenate([self._embed(features, column) for column in columns], axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "declaration": declaration_to_config(self._declaration),
            "vocabulary_sizes": dict(self._vocabulary_sizes),
            "hyperparameters": self._hyperparameters.to_dict(),
            "pretrained_shapes": dict(self._pretrained_shapes),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any], custom_objects: Any = None) -> DIN:
        declaration = declaration_from_config(config["declaration"])
        settings = Hyperparameters(**config["hyperparameters"])
        return cls(**{**config, "declaration": declaration, "hyperparameters": settings})


def _raw(encoded: Mapping[str, Tensor]) -> Tensors:
    """The columns among what was encoded, by their names."""
    return {name.removeprefix(RAW): value for name, value in encoded.items() if name.startswith(RAW)}
