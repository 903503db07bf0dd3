"""The arithmetic of the local activation unit: the literal form, and the fast ones, which give the same numbers.

Tests hold each fast form to the literal one. `LocalActivationUnit` says which runs when.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import keras
from keras import ops

from trainer.dice import Dice
from trainer.matmul import matmul_rows
from trainer.types import Tensor
from trainer.valid_positions import ValidPositions

Rows = Callable[[Tensor], Tensor]


def literal_first_layer(query: Tensor, keys: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """The first layer as the paper writes it: the reference.

    Args:
        query: float tensor `[batch, candidates, dim]`.
        keys: float tensor `[batch, keys, dim]`.
        kernel: float tensor `[4 * dim, units]`.
        bias: float tensor `[units]`.

    Returns:
        `[q, k, q - k, q * k] kernel + bias`, float tensor `[batch, candidates, keys, units]`.
    """
    batch, candidates, dim = ops.shape(query)
    shape = (batch, candidates, ops.shape(keys)[1], dim)
    query = ops.broadcast_to(ops.expand_dims(query, axis=2), shape)
    keys = ops.broadcast_to(ops.expand_dims(keys, axis=1), shape)
    return ops.matmul(ops.concatenate([query, keys, query - keys, query * keys], axis=-1), kernel) + bias


def _folded_kernel(kernel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The kernels of q, of k and of q * k, each `[dim, units]`; that of q - k is folded into the first two."""
    query, key, difference, product = ops.split(ops.convert_to_tensor(kernel), 4, axis=0)
    return query + difference, key - difference, product


def first_layer_of_positions(query: Tensor, keys: Tensor, kernel: Tensor, bias: Tensor, positions: ValidPositions) -> Tensor:
    """The first layer for the valid positions alone: keys `[positions, dim]` to `[positions, candidates, units]`."""
    kernel_query, kernel_key, kernel_product = _folded_kernel(kernel)
    query = ops.convert_to_tensor(query)
    product = positions.spread(query) * ops.expand_dims(keys, axis=1)
    same_for_all = ops.expand_dims(ops.matmul(keys, kernel_key), axis=1)
    return matmul_rows(product, kernel_product) + same_for_all + positions.spread(matmul_rows(query, kernel_query) + bias)


def first_layer_of_one(query: Tensor, keys: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    """The first layer for one candidate a row, `[batch, keys, units]`."""
    kernel_query, kernel_key, kernel_product = _folded_kernel(kernel)
    kernel_row = ops.transpose(query, (0, 2, 1)) * kernel_product + kernel_key  # [batch, dim, units]
    return ops.matmul(keys, kernel_row) + (ops.matmul(query, kernel_query) + bias)


def first_layer_factors(query: Tensor, keys: Tensor, kernel: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
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


def merged_dice(
    kernel: Tensor, bias: Tensor, activations: Sequence[Dice], layers: Sequence[keras.layers.Dense]
) -> tuple[Tensor, Tensor, Rows]:
    """Dice in inference, its scales and shifts moved into the linear layers around it; literally, `layer(dice(hidden))`.

    Args:
        kernel: The first layer's.
        bias: The first layer's.
        activations: What follows the first layer, and each other one but the last.
        layers: What follows each activation; their weights are read.

    Returns:
        The first layer's kernel and bias, and what follows it, for float tensors `[rows, units]`.
    """
    folded = [dice.folded() for dice in activations]
    kernels, biases = [layer.kernel for layer in layers], [layer.bias for layer in layers]
    for i, dice in enumerate(folded):
        kernels[i] = kernels[i] * ops.expand_dims(dice.output_scale, axis=-1)
        if i + 1 < len(folded):
            kernels[i] = kernels[i] * folded[i + 1].input_scale
            biases[i] = biases[i] * folded[i + 1].input_scale + folded[i + 1].input_shift

    def other_layers(hidden: Tensor) -> Tensor:
        for dice, kernel, bias in zip(folded, kernels, biases, strict=True):
            hidden = ops.matmul(dice(hidden), kernel)
            if bias is not None:
                hidden = hidden + bias
        return hidden

    return kernel * folded[0].input_scale, bias * folded[0].input_scale + folded[0].input_shift, other_layers
