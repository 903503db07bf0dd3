"""The kinds of features: what `transform/features.py` is written in. `transform/declaration.py` makes a whole of them.

Ids: 0 is padding, 1 is out of vocabulary, 2... are the vocabulary's tokens, or the hash buckets. A mask is `ids != 0`. The
token '0' in a CSV is a legal token like any other.

Lists are separated by `LIST_SEPARATOR`; a weighted list holds `id:weight` pairs. Histories are written oldest first, newest
last, and are cut to their newest `max_length` entries; other lists keep their first `max_length` entries.

Columns that name the same `vocabulary` share it and its embeddings. What holds for a whole vocabulary, any of its columns
may say: with `hash_buckets` tokens are hashed into so many buckets, and nothing is looked up or out of vocabulary; with
`top_k` it holds the most frequent tokens only, so many at most.
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
SIDES: tuple[Side, ...] = ("user", "item")
POOLINGS = ("mean", "sum", "max")
# What any column of a vocabulary may say for all of them.
VOCABULARY_SETTINGS = ("hash_buckets", "top_k")


@dataclasses.dataclass(frozen=True)
class Label:
    """The target: 0 or 1. Absent when serving."""

    name: str


@dataclasses.dataclass(frozen=True)
class Group:
    """The key rows are grouped and split by (one user's rows stay together); never an input of the model."""

    name: str


@dataclasses.dataclass(frozen=True)
class SampleWeight:
    """How much a row counts in training: a finite number, not negative; an empty cell counts 1. Never an input of the model.

    The loss of a step is the mean of the rows' losses times their weights. The model is judged on the rows as they are.
    """

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
    top_k: int | None = None


@dataclasses.dataclass(frozen=True)
class _TokenList:
    name: str
    side: Side
    vocabulary: str | None = None
    required: bool = False
    max_length: int = 50
    pooling: Pooling = "mean"
    hash_buckets: int | None = None
    top_k: int | None = None


@dataclasses.dataclass(frozen=True)
class CategoryList(_TokenList):
    """Any number of tokens a row, embedded and pooled."""


@dataclasses.dataclass(frozen=True)
class WeightedList(_TokenList):
    """Any number of `id:weight` pairs a row, embedded and pooled by weight. Weights are finite and not negative."""


@dataclasses.dataclass(frozen=True)
class History:
    """Aligned lists of a user's past items, attended to by the candidate item.

    `queries` pairs each history column with the candidate's category column whose vocabulary and embedding it shares. The
    members' embeddings are concatenated position by position into one key, the candidate's into one query (DIN, Fig. 2).
    Several histories are attended to one by one, each by an attention of its own.
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
    """One finite number a row, standardised by the mean and the variance of the training rows; an empty cell is the mean."""

    name: str
    side: Side
    required: bool = False


@dataclasses.dataclass(frozen=True)
class Pretrained:
    """Given vectors for the tokens of a column that is declared as a category or a list.

    They are an input of the model beside the column's own embeddings, and go into the export. A token that the table does
    not have is a zero vector; in a list it is left out. `transform/pretrained.py` tells how a table is written.

    Args:
        name: str. The name of the transformed feature: the rows of the table.
        column: str. The column whose tokens are looked up.
        table: str. The file of the table in `transform/tables`: a CSV or an .npz.
        tuned: bool. Whether training changes the vectors. Defaults to `False`: they are frozen.
        pooling: str. How a list's vectors become one, by its weights if it has some. Defaults to `"mean"`.
    """

    name: str
    column: str
    table: str
    tuned: bool = False
    pooling: Pooling = "mean"


Feature = Label | Group | SampleWeight | Category | CategoryList | WeightedList | History | Numeric | Pretrained
Tokens = Category | CategoryList | WeightedList


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of the CSVs. `kind` says how its cells are read."""

    name: str
    kind: Literal["label", "group", "sample_weight", "category", "list", "weighted_list", "history", "numeric"]
    required: bool
    side: Side | None
    max_length: int | None = None
    group: str | None = None

    @property
    def is_single(self) -> bool:
        """Whether a cell is one value, and not a list."""
        return self.max_length is None


def weight_name(column: str) -> str:
    """The name of the transformed feature that holds a weighted list's weights."""
    return f"{column}_weight"


def columns_of(feature: Feature) -> Iterator[Column]:
    """The CSV's columns of a feature."""
    if isinstance(feature, Label):
        yield Column(feature.name, "label", True, None)
    elif isinstance(feature, Group):
        yield Column(feature.name, "group", True, None)
    elif isinstance(feature, SampleWeight):
        yield Column(feature.name, "sample_weight", False, None)
    elif isinstance(feature, Category):
        yield Column(feature.name, "category", feature.required, feature.side)
    elif isinstance(feature, CategoryList):
        yield Column(feature.name, "list", feature.required, feature.side, feature.max_length)
    elif isinstance(feature, WeightedList):
        yield Column(feature.name, "weighted_list", feature.required, feature.side, feature.max_length)
    elif isinstance(feature, Numeric):
        yield Column(feature.name, "numeric", feature.required, feature.side)
    elif isinstance(feature, History):
        for name in feature.columns:
            yield Column(name, "history", feature.required, feature.side, feature.max_length, feature.name)
