"""preprocessing_fn through a real analysis and transformation by Beam."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_transform as tft

from tests.support import CLICKED_ONCE, EDGE_ROWS, analyze, random_rows, rows_of_default
from trainer.vocabulary_sizes import vocabulary_sizes
from transform.declaration import (
    FIRST_TOKEN_ID,
    OOV_ID,
    PADDING_ID,
    Category,
    CategoryList,
    Declaration,
    Group,
    History,
    Label,
    Numeric,
    SampleWeight,
)
from transform.features import DECLARATION

Rows = list[dict[str, Any]]


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory: pytest.TempPathFactory) -> tuple[tft.TFTransformOutput, Rows]:
    folder: Path = tmp_path_factory.mktemp("transform")
    output, rows = analyze(rows_of_default(64), EDGE_ROWS, DECLARATION, folder)
    return output, rows


def ids(output: tft.TFTransformOutput, vocabulary: str) -> dict[str, int]:
    tokens = output.vocabulary_by_name(vocabulary)
    return {token.decode(): position + FIRST_TOKEN_ID for position, token in enumerate(tokens)}


def test_all_topic_columns_map_one_token_to_one_id(analyzed: tuple[tft.TFTransformOutput, Rows]) -> None:
    output, rows = analyzed
    topic = ids(output, "topic")
    row = rows[0]
    assert row["topic_id"] == topic["3"]
    assert list(row["follow_topic_id"]) == [topic["3"], topic["0"]]
    assert list(row["all_topic_fav_7"]) == [topic["3"], topic["1"]]
    assert list(row["hist_topic_id"]) == [topic["1"], topic["3"]]


def test_weights_stay_beside_their_ids(analyzed: tuple[tft.TFTransformOutput, Rows]) -> None:
    _, rows = analyzed
    assert list(rows[0]["all_topic_fav_7_weight"]) == pytest.approx([0.5, 0.25])


def test_zero_is_a_legal_id(analyzed: tuple[tft.TFTransformOutput, Rows]) -> None:
    output, rows = analyzed
    assert rows[1]["topic_id"] == ids(output, "topic")["0"]
    assert rows[1]["topic_id"] not in (PADDING_ID, OOV_ID)


def test_an_unknown_token_is_out_of_vocabulary_and_a_rare_one_too(
    analyzed: tuple[tft.TFTransformOutput, Rows],
) -> None:
    output, rows = analyzed
    assert rows[2]["topic_id"] == OOV_ID
    assert list(rows[2]["hist_keyword_id"]) == [OOV_ID]
    assert "seen-once" not in ids(output, "topic")


def test_empty_lists_have_no_entries(analyzed: tuple[tft.TFTransformOutput, Rows]) -> None:
    _, rows = analyzed
    for column in ("follow_topic_id", "all_topic_fav_7", "all_topic_fav_7_weight", "hist_topic_id", "hist_keyword_id"):
        assert len(rows[3][column]) == 0


def test_a_long_history_is_cut_to_its_newest_entries(analyzed: tuple[tft.TFTransformOutput, Rows]) -> None:
    output, rows = analyzed
    (history,) = DECLARATION.histories
    assert len(rows[4]["hist_topic_id"]) == len(rows[4]["hist_keyword_id"]) == history.max_length
    assert rows[4]["hist_topic_id"][-1] == ids(output, "topic")["2"]
    assert ids(output, "topic")["1"] not in rows[4]["hist_topic_id"]


def test_a_candidate_seen_once_is_out_of_vocabulary_even_if_it_was_clicked_and_came_into_histories(
    analyzed: tuple[tft.TFTransformOutput, Rows],
) -> None:
    output, rows = analyzed
    assert CLICKED_ONCE in ids(output, "topic")
    assert rows[6]["topic_id"] == OOV_ID
    assert list(rows[6]["hist_topic_id"]) == [ids(output, "topic")[CLICKED_ONCE]]


def test_numbers_are_standardised_and_a_missing_one_is_the_mean_but_a_missing_weight_is_one(
    tmp_path: Path,
) -> None:
    names = ("age", "price", "constant", "empty")
    numerics = [Numeric(name, side="user") for name in names]
    weight = SampleWeight("weight")
    declaration = Declaration((Label("act"), Group("user"), Category("topic", side="item"), weight, *numerics))
    ages, prices = ["10", "20", "", "60", "1e1", "20"], ["1e37", "-1e37", "0", "0", "0", "0"]
    rest = {"constant": "0.1", "empty": ""}
    plain = random_rows(declaration, 6)
    training = [row | {"age": a, "price": p} | rest for row, a, p in zip(plain, ages, prices, strict=True)]
    asked = [
        {"age": "34", "weight": "0.25"},
        {"weight": "", "age": " ", "price": "", "constant": "7", "empty": "8"},
        {"age": "1e30"},
        {"age": "x", "price": "nan"},
    ]
    _, rows = analyze(training, [training[0] | cells for cells in asked], declaration, tmp_path)
    numbers = np.array([10.0, 20.0, 60.0, 10.0, 20.0])
    expected = (34.0 - numbers.mean()) / numbers.std()
    found = np.array([[row[name] for name in names] for row in rows])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], [expected, np.sqrt(3.0), 0, 0], rtol=1e-6)
    np.testing.assert_array_equal(found[1], [0, 0, 0, 0])
    assert [row["weight"] for row in rows[:2]] == [0.25, 1.0]
    np.testing.assert_array_equal(found[2:, 0], [10.0, np.nan])
    assert np.isnan(found[3, 1])


HASHED = Declaration(
    (
        Label("act"),
        Group("user"),
        Category("item_id", side="item", hash_buckets=50),
        History("history", queries=(("past_item", "item_id"),)),
        CategoryList("tags", side="item", top_k=2),
    )
)


def test_hashed_columns_share_their_buckets_and_know_every_token(tmp_path: Path) -> None:
    asked = [{"item_id": token, "past_item": f" {token} ,,x"} for token in ("1", "2", "never seen", "話", "")]
    training = random_rows(HASHED, 20)
    output, rows = analyze(training, [training[0] | cells for cells in asked], HASHED, tmp_path)
    ids = [int(row["item_id"]) for row in rows]
    # The buckets must be the same on every machine, and for good: a model's rows are numbered by them.
    assert ids == [51, 11, 29, 33, PADDING_ID]
    assert [list(row["past_item"])[:2] for row in rows] == [[found, PADDING_ID] for found in ids]
    assert vocabulary_sizes(output, HASHED) == {"item_id": 50, "tags": 2}


def test_a_bounded_vocabulary_holds_the_most_frequent_tokens(tmp_path: Path) -> None:
    training = [
        row | {"tags": tags} for row, tags in zip(random_rows(HASHED, 4), ["a,b,c", "b,c", "c,a", "c,b,d"], strict=True)
    ]
    output, (row,) = analyze(training, [training[0] | {"tags": "a,b,c,d"}], HASHED, tmp_path)
    assert output.vocabulary_by_name("tags") == [b"c", b"b"]
    assert list(row["tags"]) == [OOV_ID, FIRST_TOKEN_ID + 1, FIRST_TOKEN_ID, OOV_ID]
