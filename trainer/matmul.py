"""Matrix products of tensors of more than two axes."""

from __future__ import annotations

from keras import ops

from trainer.types import Tensor


def matmul_rows(inputs: Tensor, kernel: Tensor) -> Tensor:
    """Multiplies float tensors `[..., dim]` and `[dim, units]` to `[..., units]`.

    `ops.matmul` does the same by way of a general contraction, which adds two dozen small operations to a graph and keeps
    TensorFlow from fusing the product with the bias that follows.
    """
    *lengths, dim = ops.shape(inputs)
    return ops.reshape(ops.matmul(ops.reshape(inputs, (-1, dim)), kernel), (*lengths, kernel.shape[-1]))
