"""Checks of arguments that layers and hyperparameters share."""

from __future__ import annotations

from typing import Any

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
        raise ValueError(f"`{argument}` must hold at least one width, all positive integers. Received: {hidden_units!r}.")
    return tuple(hidden_units)
