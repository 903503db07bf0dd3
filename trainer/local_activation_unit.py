"""The local activation unit: how strongly a candidate activates each item of a history."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import ops

from trainer.activation import activate, create_activation
from trainer.argument_checks import check_activation, check_hidden_units
from trainer.map_blocks import map_blocks
from trainer.matmul import matmul_rows
from trainer.types import Shape, Tensor

# Candidates that inference takes at a time. The hidden values of so many, 6.5 MB for each user with the default widths, stay
# in a processor's cache, and do not grow with the candidates.
BLOCK = 512


@keras.saving.register_keras_serializable(package="community_din")
class LocalActivationUnit(keras.layers.Layer):
    """Scores every key of a history against every candidate with a small MLP.

        score(q, k) = MLP([q, k, q - k, q * k])

    The MLP's first layer is linear before its activation, so its kernel, whose quarters are A, B, C and D, folds:

        [q, k, q - k, q * k] W = k (diag(q) D + B - C) + q (A + C)

    Same weights, same numbers, and no tensor of the shape `[batch, candidates, keys, 4 * dim]`. With one candidate
    (known statically: the training form) this is one product of the keys with a kernel per row; otherwise (the ranking
    form) one product of all candidates with a matrix per history, in inference by blocks of `BLOCK` candidates.

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

    def call(self, query: Tensor, keys: Tensor, mask: Tensor | None = None, training: bool | None = None) -> Tensor:
        """Scores.

        Args:
            query: float tensor `[batch, candidates, dim]`.
            keys: float tensor `[batch, keys, dim]`.
            mask: bool tensor `[batch, keys]`: the positions that count for Dice's statistics. Scores of other positions
                are computed all the same. Defaults to all.
            training: bool. Passed to Dice.

        Returns:
            Scores, float tensor `[batch, candidates, keys]`.
        """
        shape = (*ops.shape(query)[:2], ops.shape(keys)[1])
        if mask is not None and training:
            mask = ops.reshape(ops.broadcast_to(ops.expand_dims(mask, axis=1), shape), (-1,))
        kernels, biases, activations = self._stages(mask, training)

        def other_layers(hidden: Tensor, candidates: Any) -> Tensor:
            hidden = ops.reshape(hidden, (-1, self.hidden_units[0]))
            for activation, kernel, bias in zip(activations, kernels[1:], biases[1:], strict=True):
                hidden = ops.matmul(activation(hidden), kernel)
                if bias is not None:
                    hidden = hidden + bias
            return ops.reshape(hidden, (shape[0], candidates, shape[2]))

        if query.shape[1] == 1:
            return other_layers(_first_layer_one(query, keys, kernels[0], biases[0]), 1)
        query, matrix = _first_layer_many(query, keys, kernels[0], biases[0])
        if training:  # Dice's statistics are those of all candidates
            return other_layers(ops.matmul(query, matrix), shape[1])
        return map_blocks(lambda block: other_layers(ops.matmul(block, matrix), ops.shape(block)[1]), query, BLOCK)

    def _stages(
        self, mask: Tensor | None, training: bool | None
    ) -> tuple[list[Tensor], list[Tensor | None], list[Callable[[Tensor], Tensor]]]:
        """The kernels and biases of all layers, and the activations of the hidden ones, for tensors `[rows, units]`."""
        layers = [*self.hidden_layers, self.output_layer]
        kernels = [self.kernel, *(layer.kernel for layer in layers)]
        biases = [self.bias, *(layer.bias for layer in layers)]
        if training or self.activation != "dice":
            activations: list[Callable[[Tensor], Tensor]] = [
                functools.partial(activate, layer, mask=mask, training=training) for layer in self.activation_layers
            ]
            return kernels, biases, activations
        folded = [layer.folded() for layer in self.activation_layers]
        for i, dice in enumerate(folded):
            kernels[i] = kernels[i] * dice.input_scale
            biases[i] = biases[i] * dice.input_scale + dice.input_shift
            kernels[i + 1] = kernels[i + 1] * ops.expand_dims(dice.output_scale, axis=-1)
        return kernels, biases, list(folded)

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


def _folded_kernel(kernel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The kernels of q, of k and of q * k, each `[dim, units]`; that of q - k is folded into the first two."""
    query, key, difference, product = ops.split(ops.convert_to_tensor(kernel), 4, axis=0)
    return query + difference, key - difference, product


def _first_layer_one(query: Tensor, keys: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """The first layer for one candidate a row, `[batch, keys, units]`."""
    kernel_query, kernel_key, kernel_product = _folded_kernel(kernel)
    kernel_row = ops.transpose(query, (0, 2, 1)) * kernel_product + kernel_key  # [batch, dim, units]
    return ops.matmul(keys, kernel_row) + (ops.matmul(query, kernel_query) + bias)


def _first_layer_many(query: Tensor, keys: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """The first layer for any number of candidates a row, as two factors that are still to be multiplied.

    Returns:
        `[batch, candidates, dim + 1]` and `[batch, dim + 1, keys * units]`.
    """
    kernel_query, kernel_key, kernel_product = _folded_kernel(kernel)
    batch, length, dim = ops.shape(keys)
    transposed = ops.expand_dims(ops.transpose(keys, (0, 2, 1)), axis=-1)  # [batch, dim, keys, 1]
    matrix = transposed * ops.expand_dims(kernel_product, axis=1) + ops.expand_dims(kernel_query, axis=1)
    # What does not depend on the candidate is one more row, so that the product adds it without another pass.
    row = ops.expand_dims(matmul_rows(keys, kernel_key) + bias, axis=1)
    matrix = ops.reshape(ops.concatenate([matrix, row], axis=1), (batch, dim + 1, length * kernel.shape[-1]))
    return ops.concatenate([query, ops.ones_like(query[..., :1])], axis=-1), matrix
