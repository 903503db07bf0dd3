"""The fully connected part of the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from trainer.activation import activate, create_activation
from trainer.argument_checks import check_activation, check_hidden_units
from trainer.matmul import matmul_rows
from trainer.types import Shape, Tensor


@keras.saving.register_keras_serializable(package="community_din")
class SplitDense(keras.layers.Layer):
    """A dense layer over the concatenation of its inputs, which is never built.

        outputs = sum_i inputs_i W_i + b,    W = [W_1; W_2; ...] one weight

    The inputs may broadcast against each other: an input `[batch, 1, dim]` is multiplied once and serves all
    candidates.

    Args:
        units: int. The width of the output.
        use_bias: bool. Whether there is a bias. Defaults to `True`.
        kernel_regularizer: The regularizer of the kernel. Defaults to `None`.

    Example:

    >>> user, items = keras.random.normal((2, 1, 8)), keras.random.normal((2, 5, 4))
    >>> SplitDense(3)([user, items]).shape
    TensorShape([2, 5, 3])
    """

    def __init__(self, units: int, use_bias: bool = True, kernel_regularizer: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if units < 1:
            raise ValueError(f"`units` must be positive. Received: {units!r}.")
        self.units = units
        self.use_bias = use_bias
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape: Sequence[Shape]) -> None:
        self.widths = tuple(int(shape[-1] or 0) for shape in input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(sum(self.widths), self.units),
            initializer="glorot_uniform",
            regularizer=self.kernel_regularizer,
        )
        if self.use_bias:
            self.bias = self.add_weight(name="bias", shape=(self.units,), initializer="zeros")

    def call(self, inputs: Sequence[Tensor]) -> Tensor:
        """Multiplies float tensors `[..., width_i]`, whose leading axes broadcast, to a float tensor `[..., units]`."""
        kernel = ops.convert_to_tensor(self.kernel)
        outputs, start = None, 0
        for part, width in zip(inputs, self.widths, strict=True):
            product = matmul_rows(part, kernel[start : start + width])
            outputs = product if outputs is None else outputs + product
            start += width
        return outputs + self.bias if self.use_bias else outputs

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "use_bias": self.use_bias,
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
        }


@keras.saving.register_keras_serializable(package="community_din")
class DNN(keras.layers.Layer):
    """Hidden layers and one logit: dense, batch normalization, activation, dropout; then a last dense layer.

    Args:
        hidden_units: sequence of int. The widths of the hidden layers.
        activation: str. `"sigmoid"`, `"relu"`, `"prelu"` or `"dice"`. Defaults to `"relu"`.
        batch_norm: bool. Whether hidden layers are normalized; they then have no bias of their own. Defaults to `True`.
        dropout: float. The share of hidden values dropped in training. Defaults to `0.0`.
        l2: float. The L2 penalty of the kernels. Defaults to `0.0`.

    Example:

    >>> user, items = keras.random.normal((2, 1, 8)), keras.random.normal((2, 5, 4))
    >>> DNN((16,))([user, items]).shape
    TensorShape([2, 5])
    """

    MOMENTUM = 0.9  # of the batch statistics; a hundred steps are enough to forget the initial values

    def __init__(
        self,
        hidden_units: Sequence[int],
        activation: str = "relu",
        batch_norm: bool = True,
        dropout: float = 0.0,
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_units = check_hidden_units("hidden_units", hidden_units)
        self.activation = check_activation("activation", activation)
        if not 0 <= dropout < 1:
            raise ValueError(f"`dropout` must be in [0, 1). Received: {dropout!r}.")
        if l2 < 0:
            raise ValueError(f"`l2` must not be negative. Received: {l2!r}.")
        self.batch_norm = batch_norm
        self.dropout = dropout
        self.l2 = l2
        first, *others = self.hidden_units
        shared: dict[str, Any] = {
            "kernel_regularizer": keras.regularizers.L2(l2) if l2 else None,
            "dtype": self.dtype_policy,
        }
        dense = [SplitDense(first, use_bias=not batch_norm, **shared)]
        dense += [keras.layers.Dense(units, use_bias=not batch_norm, **shared) for units in others]
        self.dense_layers = dense
        self.norm_layers = [
            keras.layers.BatchNormalization(momentum=self.MOMENTUM, dtype=self.dtype_policy)
            for _ in self.hidden_units[: len(self.hidden_units) if batch_norm else 0]
        ]
        self.activation_layers = [create_activation(activation, self.dtype_policy) for _ in self.hidden_units]
        self.dropout_layers = [keras.layers.Dropout(dropout, dtype=self.dtype_policy) for _ in self.hidden_units]
        self.output_layer = keras.layers.Dense(1, **shared)

    def build(self, input_shape: Sequence[Shape]) -> None:
        shapes: list[Any] = [input_shape, *((None, units) for units in self.hidden_units)]
        for shape, layer in zip(shapes, [*self.dense_layers, self.output_layer], strict=True):
            layer.build(shape)
        for layers in (self.norm_layers, self.activation_layers, self.dropout_layers):
            for layer, units in zip(layers, self.hidden_units, strict=False):
                layer.build((None, units))

    def call(self, inputs: Sequence[Tensor], training: bool | None = None) -> Tensor:
        """Computes the logits.

        Args:
            inputs: float tensors `[batch, candidates or 1, width_i]`.
            training: bool. Whether batch statistics are used and values are dropped.

        Returns:
            Float tensor `[batch, candidates]`.
        """
        hidden = self.dense_layers[0](inputs)
        batch, candidates, units = ops.shape(hidden)
        hidden = ops.reshape(hidden, (-1, units))
        for i, dense in enumerate(self.dense_layers):
            if i > 0:
                hidden = dense(hidden)
            if self.batch_norm:
                hidden = self.norm_layers[i](hidden, training=training)
            hidden = activate(self.activation_layers[i], hidden, training)
            hidden = self.dropout_layers[i](hidden, training=training)
        return ops.reshape(self.output_layer(hidden), (batch, candidates))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "hidden_units": self.hidden_units,
            "activation": self.activation,
            "batch_norm": self.batch_norm,
            "dropout": self.dropout,
            "l2": self.l2,
        }
