"""What a declaration must keep to. Messages name the feature, the rule and the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transform.kinds import (
    POOLINGS,
    SIDES,
    Category,
    CategoryList,
    Feature,
    Group,
    History,
    Label,
    WeightedList,
    weight_name,
)

if TYPE_CHECKING:
    from transform.declaration import Declaration


def check_feature(feature: Feature) -> None:
    """Raises ValueError if a feature contradicts itself."""
    if not feature.name or not feature.name.isidentifier():
        raise ValueError(f"`name` must be a Python identifier. Received: {feature.name!r}.")
    if isinstance(feature, Label | Group):
        return
    if feature.side not in SIDES:
        raise ValueError(f"`side` must be one of {SIDES} for feature {feature.name!r}. Received: {feature.side!r}.")
    if isinstance(feature, CategoryList | WeightedList | History) and feature.max_length < 1:
        raise ValueError(f"`max_length` must be positive for feature {feature.name!r}. Received: {feature.max_length!r}.")
    if isinstance(feature, CategoryList | WeightedList) and feature.pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {POOLINGS} for feature {feature.name!r}. Received: {feature.pooling!r}.")
    if isinstance(feature, Category | CategoryList | WeightedList) and feature.hash_buckets is not None:
        raise ValueError(
            f"`hash_buckets` is not supported yet for feature {feature.name!r}. Received: {feature.hash_buckets!r}."
        )
    if isinstance(feature, History):
        if not feature.queries:
            raise ValueError(f"`queries` must name at least one pair for feature {feature.name!r}. Received: ().")
        if feature.side != "user":
            raise ValueError(f"`side` must be 'user' for history {feature.name!r}. Received: {feature.side!r}.")


def check_declaration(declaration: Declaration) -> None:
    """Raises ValueError if features contradict each other, or one is missing."""
    features = declaration.features
    for kind in (Label, Group):
        names = [f.name for f in features if isinstance(f, kind)]
        if len(names) != 1:
            raise ValueError(f"The declaration must have exactly one {kind.__name__}. Received: {names}.")
    if declaration.min_frequency < 1:
        raise ValueError(f"`min_frequency` must be positive. Received: {declaration.min_frequency!r}.")
    if not declaration.side_columns("item"):
        raise ValueError("The declaration must have at least one feature of the item side. Received: none.")
    names = [c.name for c in declaration.columns]
    names += [weight_name(f.name) for f in features if isinstance(f, WeightedList)]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ValueError(f"Column names must be unique. Received more than once: {duplicates}.")
    _check_queries(declaration)


def _check_queries(declaration: Declaration) -> None:
    candidates = {c.name for c in declaration.categories if c.side == "item"}
    for history in declaration.histories:
        for member, candidate in history.queries:
            if candidate not in candidates:
                raise ValueError(
                    f"History column {member!r} of feature {history.name!r} must be queried by a category of the item "
                    f"side. Received: {candidate!r}."
                )
