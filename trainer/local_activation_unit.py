"""The local activation unit: how strongly a candidate activates each item of a history."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from trainer.activation import activate, create_activation
from trainer.activation_unit_forms import (
    first_layer_factors,
    first_layer_of_one,
    first_layer_of_positions,
    merged_dice,
)
from trainer.argument_checks import check_activation, check_hidden_units
from trainer.map_blocks import map_blocks
from trainer.types import Shape, Tensor
from trainer.valid_positions import ValidPositions

# Candidates that inference takes at a time. The hidden values of so many, 6.5 MB for each user with the default widths, stay
# in a processor's cache, and do not grow with the candidates.
BLOCK = 512


@keras.saving.register_keras_serializable(package="community_din")
class LocalActivationUnit(keras.layers.Layer):
    """Scores every key of a history against every candidate with a small MLP.

        score(q, k) = MLP([q, k, q - k, q * k])

    The MLP's first layer is linear before its activation, so its kernel, whose quarters are A, B, C and D, folds:

        [q, k, q - k, q * k] W = k (diag(q) D + B - C) + q (A + C)

    Same weights, same numbers, and no tensor of the shape `[batch, candidates, keys, 4 * dim]`. Training multiplies valid
    positions alone. In inference, one candidate (known statically) is one product of the keys with a kernel per row;
    otherwise (the ranking form) all candidates are multiplied by a matrix per history, by blocks of `BLOCK` candidates, and
    Dice is merged into the layers around it. `activation_unit_forms.py` holds these forms beside the literal one.

    Args:
        hidden_units: sequence of int. The widths of the hidden layers. Defaults to `(64, 32)`.
        activation: str. `"sigmoid"`, `"relu"`, `"prelu"` or `"dice"`. Defaults to `"dice"`.
        output_bias: bool. Whether the score has a bias. A softmax over the scores would not notice it. Defaults to
            `True`.

    Example:

    >>> query, keys = keras.random.normal((2, 1, 8)), keras.random.normal((2, 5, 8))
    >>> LocalActivationUnit()(query, keys).shape
    TensorShape([2, 1, 5])

    References:
        - [Zhou et al., 2018](https://arxiv.org/abs/1706.06978), section 4.3
    """

    def __init__(
        self,
        hidden_units: Sequence[int] = (64, 32),
        activation: str = "dice",
        output_bias: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_units = check_hidden_units("hidden_units", hidden_units)
        self.activation = check_activation("activation", activation)
        self.output_bias = output_bias
        self.hidden_layers = [keras.layers.Dense(units, dtype=self.dtype_policy) for units in self.hidden_units[1:]]
        self.activation_layers = [create_activation(activation, self.dtype_policy) for _ in self.hidden_units]
        self.output_layer = keras.layers.Dense(1, use_bias=output_bias, dtype=self.dtype_policy)

    def build(self, query_shape: Shape, keys_shape: Shape) -> None:
        dim = keys_shape[-1]
        if dim is None or query_shape[-1] != dim:
            raise ValueError(f"`query` and `keys` must have the same last axis. Received: {query_shape}, {keys_shape}.")
        self.kernel = self.add_weight(name="kernel", shape=(4 * dim, self.hidden_units[0]), initializer="glorot_uniform")
        self.bias = self.add_weight(name="bias", shape=(self.hidden_units[0],), initializer="zeros")
        for width, layer in zip(self.hidden_units, [*self.hidden_layers, self.output_layer], strict=True):
            layer.build((None, width))
        for width, layer in zip(self.hidden_units, self.activation_layers, strict=True):
            layer.build((None, width))

    def call(self, query: Tensor, keys: Tensor, positions: ValidPositions | None = None) -> Tensor:
        """Scores.

        Args:
            query: float tensor `[batch, candidates, dim]`.
            keys: float tensor `[batch, keys, dim]`; with `positions` `[positions, dim]`.
            positions: The valid positions: what training needs, so that padding costs nothing and does not count for
                Dice's statistics. Defaults to inference, which scores all keys.

        Returns:
            Scores, float tensor `[batch, candidates, keys]`; with `positions` `[positions, candidates]`.
        """
        if positions is not None:
            hidden = first_layer_of_positions(query, keys, self.kernel, self.bias, positions)
            scores = self._other_layers(ops.reshape(hidden, (-1, self.hidden_units[0])), training=True)
            return ops.reshape(scores, ops.shape(hidden)[:2])
        if self.activation == "dice":
            kernel, bias, other_layers = merged_dice(
                self.kernel, self.bias, self.activation_layers, [*self.hidden_layers, self.output_layer]
            )
        else:
            kernel, bias = self.kernel, self.bias
            other_layers = functools.partial(self._other_layers, training=False)
        batch, length = ops.shape(query)[0], ops.shape(keys)[1]

        def scores_of(hidden: Tensor, candidates: Any) -> Tensor:
            hidden = other_layers(ops.reshape(hidden, (-1, self.hidden_units[0])))
            return ops.reshape(hidden, (batch, candidates, length))

        if query.shape[1] == 1:
            return scores_of(first_layer_of_one(query, keys, kernel, bias), 1)
        query, matrix = first_layer_factors(query, keys, kernel, bias)
        return map_blocks(lambda block: scores_of(ops.matmul(block, matrix), ops.shape(block)[1]), query, BLOCK)

    def _other_layers(self, hidden: Tensor, training: bool) -> Tensor:
        """The layers behind the first one, literally: `[rows, units]` to `[rows, 1]`."""
        for activation, layer in zip(self.activation_layers, [*self.hidden_layers, self.output_layer], strict=True):
            hidden = layer(activate(activation, hidden, training))
        return hidden

    def compute_mask(self, inputs: Tensor, previous_mask: Tensor | None) -> None:
        """The scores carry no Keras mask: `mask` is an argument."""

    def compute_output_shape(self, query_shape: Shape, keys_shape: Shape) -> Shape:
        return (query_shape[0], query_shape[1], keys_shape[1])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "activation": self.activation,
            "output_bias": self.output_bias,
        }
