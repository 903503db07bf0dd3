"""The declaration: what derives from it, and what it refuses."""

from __future__ import annotations

import dataclasses

import pytest

from transform.declaration import (
    Category,
    CategoryList,
    Declaration,
    Feature,
    Group,
    History,
    Label,
    Numeric,
)
from transform.features import DECLARATION

BASE: tuple[Feature, ...] = (Label("act"), Group("client_id"), Category("topic_id", side="item"))


def declare(*features: Feature) -> Declaration:
    return Declaration(BASE + features)


def test_the_declared_columns_are_the_ten_of_the_community_feed() -> None:
    assert [column.name for column in DECLARATION.columns] == [
        "act",
        "client_id",
        "client_type",
        "post_type",
        "topic_id",
        "follow_topic_id",
        "all_topic_fav_7",
        "hist_topic_id",
        "hist_keyword_id",
        "keyword_id",
    ]


def test_every_topic_column_shares_one_vocabulary() -> None:
    assert set(DECLARATION.vocabularies["topic"]) == {"topic_id", "follow_topic_id", "all_topic_fav_7", "hist_topic_id"}
    assert set(DECLARATION.vocabularies["keyword"]) == {"keyword_id", "hist_keyword_id"}


def test_label_and_group_are_not_served() -> None:
    assert "act" not in DECLARATION.serving_columns
    assert "client_id" not in DECLARATION.serving_columns


def test_sides_divide_the_served_columns() -> None:
    user, item = DECLARATION.side_columns("user"), DECLARATION.side_columns("item")
    assert set(user) | set(item) == set(DECLARATION.serving_columns)
    assert not set(user) & set(item)
    assert item == ("post_type", "topic_id", "keyword_id")


def test_a_history_member_has_the_vocabulary_of_its_candidate() -> None:
    declaration = declare(History("history", queries=(("past", "topic_id"),)))
    assert declaration.vocabulary_of("past") == "topic_id"


def test_numbers_have_a_side_and_no_vocabulary_and_are_part_of_the_fingerprint() -> None:
    declaration = declare(Numeric("age", side="user"), Numeric("price", side="item", required=True))
    assert declaration.side_columns("user") == ("age",)
    assert declaration.side_columns("item") == ("topic_id", "price")
    assert [column.required for column in declaration.columns[3:]] == [False, True]
    assert set(declaration.vocabularies) == {"topic_id"}
    assert declaration.fingerprint == "act:label,age:numeric,client_id:group,price:numeric,topic_id:category"


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        (CategoryList("tags", side="user", max_length=0), "`max_length` must be positive for feature 'tags'. Received: 0"),
        (History("h", queries=()), "`queries` must name at least one pair for feature 'h'"),
        (History("h", queries=(("past", "no"),)), "must be queried by a category of the item side. Received: 'no'"),
        (Category("topic_id", side="user"), "Column names must be unique. Received more than once: \\['topic_id'\\]"),
        (Category("no spaces", side="user"), "`name` must be a Python identifier. Received: 'no spaces'"),
        (Label("second"), "exactly one Label. Received: \\['act', 'second'\\]"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(feature: Feature, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declare(feature)


def test_an_unknown_side_or_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="`side` must be one of"):
        declare(dataclasses.replace(Category("x", side="user"), side="both"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`pooling` must be one of"):
        declare(dataclasses.replace(CategoryList("x", side="user"), pooling="median"))  # type: ignore[arg-type]
