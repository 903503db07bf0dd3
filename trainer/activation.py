"""The activations that the attention unit and the DNN can use."""

from __future__ import annotations

from typing import Any

import keras

from trainer.dice import Dice
from trainer.types import Tensor

ACTIVATIONS = ("sigmoid", "relu", "prelu", "dice")


def check_activation(argument: str, name: str) -> str:
    """Returns `name` if it is one of `ACTIVATIONS`. Raises ValueError naming `argument` otherwise."""
    if name not in ACTIVATIONS:
        raise ValueError(f"`{argument}` must be one of {ACTIVATIONS}. Received: {name!r}.")
    return name


def check_hidden_units(argument: str, hidden_units: Any) -> tuple[int, ...]:
    """Returns the widths as a tuple. Raises ValueError naming `argument` unless there is one, and all are positive."""
    valid = isinstance(hidden_units, list | tuple) and len(hidden_units) > 0
    if not valid or any(not isinstance(units, int) or units < 1 for units in hidden_units):
        raise ValueError(
            f"`{argument}` must hold at least one width, all positive integers. Received: {hidden_units!r}."
        )
    return tuple(hidden_units)


def create_activation(name: str, rank: int, dtype: Any = None) -> keras.layers.Layer:
    """Creates an activation layer for tensors of `rank` axes whose last axis is the channels.

    PReLU and Dice have one slope per channel.
    """
    if name == "dice":
        return Dice(dtype=dtype)
    if name == "prelu":
        return keras.layers.PReLU(
            alpha_initializer=keras.initializers.Constant(0.25), shared_axes=tuple(range(1, rank - 1)), dtype=dtype
        )
    return keras.layers.Activation(name, dtype=dtype)


def activate(layer: keras.layers.Layer, inputs: Tensor, mask: Tensor | None, training: bool | None) -> Tensor:
    """Applies an activation layer. Only Dice has a use for `mask` and `training`."""
    if isinstance(layer, Dice):
        return layer(inputs, mask=mask, training=training)
    return layer(inputs)
