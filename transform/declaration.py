"""The kinds of features, and the declaration that is made of them: what `transform/features.py` is written in.

Ids: 0 is padding, 1 is out of vocabulary, 2... are the vocabulary's tokens. A mask is `ids != 0`. The token '0' in a CSV
is a legal token like any other.

Lists are separated by `LIST_SEPARATOR`; a weighted list holds `id:weight` pairs. Histories are written oldest first, newest
last, and are cut to their newest `max_length` entries; other lists keep their first `max_length` entries.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

LIST_SEPARATOR = ","
WEIGHT_SEPARATOR = ":"
PADDING_ID = 0
OOV_ID = 1
FIRST_TOKEN_ID = 2

Side = Literal["user", "item"]
Pooling = Literal["mean", "sum", "max"]
SIDES = ("user", "item")
POOLINGS = ("mean", "sum", "max")


class UnsupportedFeatureError(NotImplementedError):
    """A kind of feature that the declaration's types accept, but that the pipeline does not support yet."""


@dataclasses.dataclass(frozen=True)
class Label:
    """The target: 0 or 1. Absent when serving."""

    name: str


@dataclasses.dataclass(frozen=True)
class Group:
    """The key rows are grouped and split by (one user's rows stay together); never an input of the model."""

    name: str


@dataclasses.dataclass(frozen=True)
class Category:
    """One token a row, embedded. `slice=True` also evaluates the model per value of the column."""

    name: str
    side: Side
    vocabulary: str | None = None
    required: bool = True
    slice: bool = False
    hash_buckets: int | None = None


@dataclasses.dataclass(frozen=True)
class CategoryList:
    """Any number of tokens a row, embedded and pooled."""

    name: str
    side: Side
    vocabulary: str | None = None
    required: bool = False
    max_length: int = 50
    pooling: Pooling = "mean"
    hash_buckets: int | None = None


@dataclasses.dataclass(frozen=True)
class WeightedList:
    """Any number of `id:weight` pairs a row, embedded and pooled by weight. Weights are finite and not negative."""

    name: str
    side: Side
    vocabulary: str | None = None
    required: bool = False
    max_length: int = 50
    pooling: Pooling = "mean"
    hash_buckets: int | None = None


@dataclasses.dataclass(frozen=True)
class History:
    """Aligned lists of a user's past items, attended to by the candidate item.

    `queries` pairs each history column with the candidate's category column whose vocabulary and embedding it shares. The
    members' embeddings are concatenated position by position into one key, the candidate's into one query (DIN, Fig. 2).
    """

    name: str
    queries: tuple[tuple[str, str], ...]
    required: bool = False
    max_length: int = 50
    side: Side = "user"

    @property
    def columns(self) -> tuple[str, ...]:
        """The history's CSV columns, in the order of their queries."""
        return tuple(column for column, _ in self.queries)


@dataclasses.dataclass(frozen=True)
class Numeric:
    """One number a row, standardised."""

    name: str
    side: Side
    required: bool = True


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Tokens that look up rows of a given embedding table, reduced to one vector."""

    name: str
    side: Side
    table: str
    pooling: Pooling = "mean"
    required: bool = False


Feature = Label | Group | Category | CategoryList | WeightedList | History | Numeric | Pretrained
Tokens = Category | CategoryList | WeightedList


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of the CSVs. `kind` says how its cells are read."""

    name: str
    kind: Literal["label", "group", "category", "list", "weighted_list", "history"]
    required: bool
    side: Side | None
    max_length: int | None = None
    group: str | None = None


@dataclasses.dataclass(frozen=True)
class Declaration:
    """All features of a model, checked.

    Args:
        features: The features; their order is the order of the CSV columns.
        min_frequency: Tokens seen fewer times than this in the training data are left out of the vocabularies, so that
            the out-of-vocabulary embedding is trained by them.

    Raises:
        ValueError: The declaration contradicts itself; the message names the feature, the rule and the value.
        UnsupportedFeatureError: A feature is numeric, pretrained or hashed.
    """

    features: tuple[Feature, ...]
    min_frequency: int = 2

    def __post_init__(self) -> None:
        for feature in self.features:
            _check(feature)
        _check_whole(self)

    @property
    def label(self) -> str:
        return next(f.name for f in self.features if isinstance(f, Label))

    @property
    def group(self) -> str:
        return next(f.name for f in self.features if isinstance(f, Group))

    @property
    def categories(self) -> tuple[Category, ...]:
        return tuple(f for f in self.features if isinstance(f, Category))

    @property
    def lists(self) -> tuple[CategoryList | WeightedList, ...]:
        """The pooled lists, plain and weighted."""
        return tuple(f for f in self.features if isinstance(f, CategoryList | WeightedList))

    @property
    def histories(self) -> tuple[History, ...]:
        return tuple(f for f in self.features if isinstance(f, History))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The CSV's columns, in the declared order."""
        return tuple(column for feature in self.features for column in _columns(feature))

    @property
    def slices(self) -> tuple[str, ...]:
        """The columns whose values the evaluation is sliced by."""
        return tuple(f.name for f in self.categories if f.slice)

    @property
    def serving_columns(self) -> tuple[str, ...]:
        """The columns a request carries: all but the label and the group."""
        return tuple(c.name for c in self.columns if c.side is not None)

    def side_columns(self, side: Side) -> tuple[str, ...]:
        """The columns a request carries about the user, or about the candidate item."""
        return tuple(c.name for c in self.columns if c.side == side)

    @property
    def fingerprint(self) -> str:
        """The columns and their kinds, by name: `act:label,client_id:group,...`. Examples of equal ones can be joined."""
        return ",".join(sorted(f"{column.name}:{column.kind}" for column in self.columns))

    @property
    def vocabularies(self) -> dict[str, tuple[str, ...]]:
        """Each vocabulary's name and the columns whose tokens it holds; they also share one embedding table."""
        shared: dict[str, tuple[str, ...]] = {}
        for column in self.columns:
            if column.side is not None:
                name = self.vocabulary_of(column.name)
                shared[name] = (*shared.get(name, ()), column.name)
        return shared

    def vocabulary_of(self, column: str) -> str:
        """The name of the vocabulary that holds a column's tokens. Raises KeyError for a column without one."""
        for feature in self.features:
            if isinstance(feature, History):
                for member, candidate in feature.queries:
                    if member == column:
                        return self.vocabulary_of(candidate)
            elif isinstance(feature, Category | CategoryList | WeightedList) and feature.name == column:
                return feature.vocabulary or feature.name
        raise KeyError(column)


def weight_name(column: str) -> str:
    """The name of the transformed feature that holds a weighted list's weights."""
    return f"{column}_weight"


def _columns(feature: Feature) -> Iterator[Column]:
    if isinstance(feature, Label):
        yield Column(feature.name, "label", True, None)
    elif isinstance(feature, Group):
        yield Column(feature.name, "group", True, None)
    elif isinstance(feature, Category):
        yield Column(feature.name, "category", feature.required, feature.side)
    elif isinstance(feature, CategoryList):
        yield Column(feature.name, "list", feature.required, feature.side, feature.max_length)
    elif isinstance(feature, WeightedList):
        yield Column(feature.name, "weighted_list", feature.required, feature.side, feature.max_length)
    elif isinstance(feature, History):
        for name in feature.columns:
            yield Column(name, "history", feature.required, feature.side, feature.max_length, feature.name)


def _check(feature: Feature) -> None:
    if not feature.name or not feature.name.isidentifier():
        raise ValueError(f"`name` must be a Python identifier. Received: {feature.name!r}.")
    if isinstance(feature, Numeric | Pretrained):
        kind = type(feature).__name__
        raise UnsupportedFeatureError(f"`{kind}` features are not supported yet. Received: {feature.name!r}.")
    if isinstance(feature, Label | Group):
        return
    if feature.side not in SIDES:
        raise ValueError(f"`side` must be one of {SIDES} for feature {feature.name!r}. Received: {feature.side!r}.")
    if isinstance(feature, Category | CategoryList | WeightedList) and feature.hash_buckets is not None:
        raise UnsupportedFeatureError(
            f"`hash_buckets` is not supported yet for feature {feature.name!r}. Received: {feature.hash_buckets!r}."
        )
    if not isinstance(feature, Category) and feature.max_length < 1:
        raise ValueError(f"`max_length` must be positive for feature {feature.name!r}. Received: {feature.max_length!r}.")
    if isinstance(feature, CategoryList | WeightedList) and feature.pooling not in POOLINGS:
        raise ValueError(f"`pooling` must be one of {POOLINGS} for feature {feature.name!r}. Received: {feature.pooling!r}.")
    if isinstance(feature, History):
        if not feature.queries:
            raise ValueError(f"`queries` must name at least one pair for feature {feature.name!r}. Received: ().")
        if feature.side != "user":
            raise ValueError(f"`side` must be 'user' for history {feature.name!r}. Received: {feature.side!r}.")


def _check_whole(declaration: Declaration) -> None:
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
    candidates = {c.name for c in declaration.categories if c.side == "item"}
    for history in declaration.histories:
        for member, candidate in history.queries:
            if candidate not in candidates:
                raise ValueError(
                    f"History column {member!r} of feature {history.name!r} must be queried by a category of the item "
                    f"side. Received: {candidate!r}."
                )
