"""The model's inputs, by side, as the declaration has them."""

from __future__ import annotations

from collections.abc import Mapping

from trainer.types import Tensor
from transform.declaration import Category, CategoryList, Declaration, Side, WeightedList, weight_name


def vector_features(declaration: Declaration, side: Side) -> list[Category | CategoryList | WeightedList]:
    """The side's features that become one vector a row: its categories, then its lists."""
    return [feature for feature in (*declaration.categories, *declaration.lists) if feature.side == side]


def numeric_names(declaration: Declaration, side: Side) -> list[str]:
    """The names of the side's numbers."""
    return [feature.name for feature in declaration.numerics if feature.side == side]


def input_names(declaration: Declaration, side: Side) -> list[str]:
    """The names of the side's tensors: its columns, then the weights of its weighted lists."""
    weighted = [f.name for f in vector_features(declaration, side) if isinstance(f, WeightedList)]
    return [*declaration.side_columns(side), *map(weight_name, weighted)]


def check_inputs(features: Mapping[str, Tensor], declaration: Declaration, side: Side) -> None:
    """Raises ValueError, naming them, if tensors of the side are missing."""
    missing = [name for name in input_names(declaration, side) if name not in features]
    if missing:
        raise ValueError(f"`features` must hold the {side} columns {missing}. Received: {sorted(features)}.")
