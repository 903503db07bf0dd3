"""What a declaration must keep to. Messages name the feature, the rule and the value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from transform.kinds import (
    POOLINGS,
    SIDES,
    VOCABULARY_SETTINGS,
    CategoryList,
    Feature,
    Group,
    History,
    Label,
    Pretrained,
    SampleWeight,
    Tokens,
    WeightedList,
    weight_name,
)

if TYPE_CHECKING:
    from transform.declaration import Declaration


def check_feature(feature: Feature) -> None:
    """Raises ValueError if a feature contradicts itself."""
    if not feature.name or not feature.name.isidentifier():
        raise ValueError(f"`name` must be a Python identifier. Received: {feature.name!r}.")
    if isinstance(feature, CategoryList | WeightedList | Pretrained) and feature.pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {POOLINGS} for feature {feature.name!r}. Received: {feature.pooling!r}.")
    if isinstance(feature, Label | Group | SampleWeight | Pretrained):
        return
    if feature.side not in SIDES:
        raise ValueError(f"`side` must be one of {SIDES} for feature {feature.name!r}. Received: {feature.side!r}.")
    if isinstance(feature, CategoryList | WeightedList | History) and feature.max_length < 1:
        raise ValueError(f"`max_length` must be positive for feature {feature.name!r}. Received: {feature.max_length!r}.")
    if isinstance(feature, Tokens):
        for name in VOCABULARY_SETTINGS:
            value = getattr(feature, name)
            if value is not None and value < 1:
                raise ValueError(f"`{name}` must be positive for feature {feature.name!r}. Received: {value!r}.")
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
    names = [f.name for f in features if isinstance(f, SampleWeight)]
    if len(names) > 1:
        raise ValueError(f"The declaration must have at most one SampleWeight. Received: {names}.")
    if declaration.min_frequency < 1:
        raise ValueError(f"`min_frequency` must be positive. Received: {declaration.min_frequency!r}.")
    if not declaration.side_columns("item"):
        raise ValueError("The declaration must have at least one feature of the item side. Received: none.")
    names = [c.name for c in declaration.columns]
    names += [weight_name(f.name) for f in features if isinstance(f, WeightedList)]
    names += [feature.name for feature in declaration.pretrained]
    duplicates = sorted({name for name in names if names.count(name) > 1})
    if duplicates:
        raise ValueError(f"Column names must be unique. Received more than once: {duplicates}.")
    _check_queries(declaration)
    _check_vocabularies(declaration)
    known = [feature.name for feature in features if isinstance(feature, Tokens)]
    for feature in declaration.pretrained:
        if feature.column not in known:
            raise ValueError(
                f"`column` of feature {feature.name!r} must be a category or a list: {known}. Received: {feature.column!r}."
            )


def _check_queries(declaration: Declaration) -> None:
    candidates = {c.name for c in declaration.categories if c.side == "item"}
    for history in declaration.histories:
        for member, candidate in history.queries:
            if candidate not in candidates:
                raise ValueError(
                    f"History column {member!r} of feature {history.name!r} must be queried by a category of the item "
                    f"side. Received: {candidate!r}."
                )


def _check_vocabularies(declaration: Declaration) -> None:
    for vocabulary, columns in declaration.vocabularies.items():
        said = {name: declaration.said_of(vocabulary, name) for name in VOCABULARY_SETTINGS}
        for name, values in said.items():
            if len(values) > 1:
                raise ValueError(
                    f"`{name}` must be the same for all columns of vocabulary {vocabulary!r}, {', '.join(columns)}. "
                    f"Received: {sorted(values)}."
                )
        if all(said.values()):
            raise ValueError(
                f"Vocabulary {vocabulary!r} must not have both `hash_buckets` and `top_k`: hashed tokens are not looked up. "
                f"Received: {sorted(said['hash_buckets'])}, {sorted(said['top_k'])}."
            )
