"""The model's inputs, by side, as the declaration has them."""

from __future__ import annotations

from collections.abc import Mapping

from trainer.types import Tensor
from transform.declaration import Category, CategoryList, Declaration, Pretrained, Side, WeightedList, weight_name


def vector_features(declaration: Declaration, side: Side) -> list[Category | CategoryList | WeightedList]:
    """The side's features that become one vector a row: its categories, then its lists."""
    return [feature for feature in (*declaration.categories, *declaration.lists) if feature.side == side]


def numeric_names(declaration: Declaration, side: Side) -> list[str]:
    """The names of the side's numbers."""
    return [feature.name for feature in declaration.numerics if feature.side == side]


def pretrained_features(declaration: Declaration, side: Side) -> list[Pretrained]:
    """The given vectors of the side's tokens."""
    return [feature for feature in declaration.pretrained if declaration.tokens_of(feature.column).side == side]


def input_names(declaration: Declaration, side: Side) -> list[str]:
    """The names of the side's tensors: its columns, the weights of its weighted lists, and the rows of given vectors."""
    weighted = [f.name for f in vector_features(declaration, side) if isinstance(f, WeightedList)]
    given = [feature.name for feature in pretrained_features(declaration, side)]
    return [*declaration.side_columns(side), *map(weight_name, weighted), *given]


def check_inputs(features: Mapping[str, Tensor], declaration: Declaration, side: Side) -> None:
    """Raises ValueError, naming them, if tensors of the side are missing."""
    missing = [name for name in input_names(declaration, side) if name not in features]
    if missing:
        raise ValueError(f"`features` must hold the {side} columns {missing}. Received: {sorted(features)}.")
