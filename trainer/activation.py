"""The activations that the attention unit and the DNN can use."""

from __future__ import annotations

from typing import Any

import keras

from trainer.dice import Dice
from trainer.types import Tensor


def create_activation(name: str, dtype: Any = None) -> keras.layers.Layer:
    """Creates an activation layer for tensors `[rows, channels]`. PReLU and Dice have one slope per channel."""
    if name == "dice":
        return Dice(dtype=dtype)
    if name == "prelu":
        return keras.layers.PReLU(alpha_initializer=keras.initializers.Constant(0.25), dtype=dtype)
    return keras.layers.Activation(name, dtype=dtype)


def activate(layer: keras.layers.Layer, inputs: Tensor, training: bool | None) -> Tensor:
    """Applies an activation layer. Only Dice has a use for `training`."""
    if isinstance(layer, Dice):
        return layer(inputs, training=training)
    return layer(inputs)
