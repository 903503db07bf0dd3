"""The declaration of the features: a whole made of `transform/kinds.py`, from which everything else follows."""

from __future__ import annotations

import dataclasses

from transform.declaration_checks import check_declaration, check_feature
from transform.kinds import (
    FIRST_TOKEN_ID,
    LIST_SEPARATOR,
    OOV_ID,
    PADDING_ID,
    POOLINGS,
    SIDES,
    WEIGHT_SEPARATOR,
    Category,
    CategoryList,
    Column,
    Feature,
    Group,
    History,
    Label,
    Numeric,
    Pooling,
    Pretrained,
    SampleWeight,
    Side,
    Tokens,
    WeightedList,
    columns_of,
    weight_name,
)

__all__ = [
    "FIRST_TOKEN_ID",
    "LIST_SEPARATOR",
    "OOV_ID",
    "PADDING_ID",
    "POOLINGS",
    "SIDES",
    "WEIGHT_SEPARATOR",
    "Category",
    "CategoryList",
    "Column",
    "Declaration",
    "Feature",
    "Group",
    "History",
    "Label",
    "Numeric",
    "Pooling",
    "Pretrained",
    "SampleWeight",
    "Side",
    "Tokens",
    "WeightedList",
    "weight_name",
]


@dataclasses.dataclass(frozen=True)
class Declaration:
    """All features of a model, checked.

    Args:
        features: The features; their order is the order of the CSV columns.
        min_frequency: Tokens seen fewer times than this in the training data are left out of the vocabularies, so that
            the out-of-vocabulary embedding is trained by them.

    Raises:
        ValueError: The declaration contradicts itself; the message names the feature, the rule and the value.
    """

    features: tuple[Feature, ...]
    min_frequency: int = 2

    def __post_init__(self) -> None:
        for feature in self.features:
            check_feature(feature)
        check_declaration(self)

    @property
    def label(self) -> str:
        return next(f.name for f in self.features if isinstance(f, Label))

    @property
    def group(self) -> str:
        return next(f.name for f in self.features if isinstance(f, Group))

    @property
    def sample_weight(self) -> str | None:
        """The column that says how much a row counts in training, if there is one."""
        return next((f.name for f in self.features if isinstance(f, SampleWeight)), None)

    @property
    def categories(self) -> tuple[Category, ...]:
        return tuple(f for f in self.features if isinstance(f, Category))

    @property
    def lists(self) -> tuple[CategoryList | WeightedList, ...]:
        """The pooled lists, plain and weighted."""
        return tuple(f for f in self.features if isinstance(f, CategoryList | WeightedList))

    @property
    def numerics(self) -> tuple[Numeric, ...]:
        return tuple(f for f in self.features if isinstance(f, Numeric))

    @property
    def pretrained(self) -> tuple[Pretrained, ...]:
        return tuple(f for f in self.features if isinstance(f, Pretrained))

    @property
    def histories(self) -> tuple[History, ...]:
        return tuple(f for f in self.features if isinstance(f, History))

    @property
    def columns(self) -> tuple[Column, ...]:
        """The CSV's columns, in the declared order."""
        return tuple(column for feature in self.features for column in columns_of(feature))

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
            if column.side is not None and column.kind != "numeric":
                name = self.vocabulary_of(column.name)
                shared[name] = (*shared.get(name, ()), column.name)
        return shared

    @property
    def looked_up(self) -> dict[str, tuple[str, ...]]:
        """Those of `vocabularies` that hold tokens: all that are not hashed."""
        return {name: columns for name, columns in self.vocabularies.items() if self.hash_buckets_of(name) is None}

    def hash_buckets_of(self, vocabulary: str) -> int | None:
        """Into how many buckets the tokens of a vocabulary's columns are hashed; None if they are looked up."""
        return next(iter(self.said_of(vocabulary, "hash_buckets")), None)

    def top_k_of(self, vocabulary: str) -> int | None:
        """How many tokens a vocabulary holds at most; None if nothing bounds it."""
        return next(iter(self.said_of(vocabulary, "top_k")), None)

    def said_of(self, vocabulary: str, setting: str) -> set[int]:
        """What the columns of a vocabulary say of one of `VOCABULARY_SETTINGS`: one value, or none."""
        tokens = [f for f in self.features if isinstance(f, Tokens) and self.vocabulary_of(f.name) == vocabulary]
        return {value for feature in tokens if (value := getattr(feature, setting)) is not None}

    def tokens_of(self, column: str) -> Tokens:
        """The category or list of a name. Raises KeyError for another column."""
        for feature in self.features:
            if isinstance(feature, Tokens) and feature.name == column:
                return feature
        raise KeyError(column)

    def vocabulary_of(self, column: str) -> str:
        """The name of the vocabulary that holds a column's tokens. Raises KeyError for a column without one."""
        for feature in self.features:
            if isinstance(feature, History):
                for member, candidate in feature.queries:
                    if member == column:
                        return self.vocabulary_of(candidate)
            elif isinstance(feature, Tokens) and feature.name == column:
                return feature.vocabulary or feature.name
        raise KeyError(column)
