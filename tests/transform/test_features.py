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
    Pretrained,
    SampleWeight,
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


def test_what_one_column_says_of_a_vocabulary_holds_for_all_of_its_columns() -> None:
    declaration = declare(
        Category("city", side="user", vocabulary="place", hash_buckets=100),
        CategoryList("trips", side="user", vocabulary="place"),
        CategoryList("tags", side="item", vocabulary="tag"),
        CategoryList("topics", side="item", vocabulary="topic_id", top_k=5),
    )
    vocabularies = ("place", "tag", "topic_id")
    assert [declaration.hash_buckets_of(name) for name in vocabularies] == [100, None, None]
    assert [declaration.top_k_of(name) for name in vocabularies] == [None, None, 5]
    assert declaration.looked_up == {"topic_id": ("topic_id", "topics"), "tag": ("tags",)}


def test_numbers_have_a_side_and_no_vocabulary_and_are_part_of_the_fingerprint() -> None:
    declaration = declare(Numeric("age", side="user"), Numeric("price", side="item", required=True))
    assert declaration.side_columns("user") == ("age",)
    assert declaration.side_columns("item") == ("topic_id", "price")
    assert [column.required for column in declaration.columns[3:]] == [False, True]
    assert set(declaration.vocabularies) == {"topic_id"}
    assert declaration.fingerprint == "act:label,age:numeric,client_id:group,price:numeric,topic_id:category"


def test_a_sample_weight_is_a_column_that_no_request_carries() -> None:
    declaration = declare(SampleWeight("weight"))
    assert declaration.sample_weight == "weight"
    assert "weight" not in declaration.serving_columns
    assert declaration.fingerprint == "act:label,client_id:group,topic_id:category,weight:sample_weight"
    assert DECLARATION.sample_weight is None


@pytest.mark.parametrize(
    ("feature", "message"),
    [
        (CategoryList("tags", side="user", max_length=0), "`max_length` must be positive for feature 'tags'. Received: 0"),
        (History("h", queries=()), "`queries` must name at least one pair for feature 'h'"),
        (History("h", queries=(("past", "no"),)), "must be queried by a category of the item side. Received: 'no'"),
        (Category("topic_id", side="user"), "Column names must be unique. Received more than once: \\['topic_id'\\]"),
        (Category("no spaces", side="user"), "`name` must be a Python identifier. Received: 'no spaces'"),
        (Category("city", side="user", hash_buckets=0), "`hash_buckets` must be positive for feature 'city'. Received: 0"),
        (CategoryList("tags", side="user", top_k=-1), "`top_k` must be positive for feature 'tags'. Received: -1"),
        (
            Category("city", side="user", hash_buckets=10, top_k=10),
            "Vocabulary 'city' must not have both `hash_buckets` and `top_k`: .* Received: \\[10\\], \\[10\\].",
        ),
        (
            Pretrained("v", "no", "t.csv"),
            "`column` of feature 'v' must be a category or a list: .*topic_id.*. Received: 'no'",
        ),
        (Pretrained("topic_id", "topic_id", "t.csv"), "Column names must be unique. .*topic_id"),
        (Label("second"), "exactly one Label. Received: \\['act', 'second'\\]"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(feature: Feature, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        declare(feature)


def test_columns_that_say_different_things_of_one_vocabulary_are_refused() -> None:
    features = [
        Category(name, "user", vocabulary="place", top_k=k) for name, k in (("city", 10), ("home", 20), ("shop", None))
    ]
    with pytest.raises(
        ValueError, match="`top_k` must be the same for all .* 'place', city, home, shop. Received: .10, 20."
    ):
        declare(*features)


def test_an_unknown_side_or_pooling_is_refused() -> None:
    with pytest.raises(ValueError, match="`side` must be one of"):
        declare(dataclasses.replace(Category("x", side="user"), side="both"))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`pooling` must be one of"):
        declare(dataclasses.replace(CategoryList("x", side="user"), pooling="median"))  # type: ignore[arg-type]
