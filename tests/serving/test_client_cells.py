"""What a caller may give as a user and as candidates, and what is sent for it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from serving.client import InvalidRequestError
from serving.client.cells import candidate_cells, request_inputs, user_cells
from transform.declaration import Category, CategoryList, Declaration, Group, Label, Numeric
from transform.features import DECLARATION

USER: dict[str, Any] = {
    "client_type": "0",
    "follow_topic_id": ["3", "0"],
    "all_topic_fav_7": {"3": 0.5, "1": 0.25},
    "hist_topic_id": ["1", "3"],
    "hist_keyword_id": ["2", "4"],
}
CANDIDATE = {"post_type": "1", "topic_id": "3", "keyword_id": "4"}


def test_lists_are_joined_as_in_the_csv() -> None:
    assert user_cells(USER, DECLARATION) == {
        "client_type": "0",
        "follow_topic_id": "3,0",
        "all_topic_fav_7": "3:0.5,1:0.25",
        "hist_topic_id": "1,3",
        "hist_keyword_id": "2,4",
    }


def test_cells_as_in_the_csv_are_sent_as_they_are() -> None:
    cells = user_cells(USER, DECLARATION)
    assert user_cells(cells, DECLARATION) == cells


@pytest.mark.parametrize("pairs", [[("3", 0.5), ("1", 0.25)], [["3", "0.5"], ["1", "0.25"]]])
def test_a_weighted_list_may_be_pairs(pairs: list[Any]) -> None:
    assert user_cells(USER | {"all_topic_fav_7": pairs}, DECLARATION) == user_cells(USER, DECLARATION)


@pytest.mark.parametrize("empty", ["", [], (), {}])
def test_empty_lists_are_empty_cells(empty: Any) -> None:
    assert user_cells(USER | {"all_topic_fav_7": empty}, DECLARATION)["all_topic_fav_7"] == ""


def test_an_int_is_a_token() -> None:
    assert candidate_cells([CANDIDATE | {"topic_id": 3}], DECLARATION) == [CANDIDATE]


def test_an_empty_token_keeps_its_place_in_a_history() -> None:
    cells = user_cells(USER | {"hist_topic_id": ["1", ""]}, DECLARATION)
    assert cells["hist_topic_id"] == "1,"


def test_non_ascii_tokens_are_kept() -> None:
    assert candidate_cells([CANDIDATE | {"topic_id": "话题"}], DECLARATION)[0]["topic_id"] == "话题"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"client_type": ""}, "`client_type` of the user must not be empty. Received: ''."),
        ({"client_type": None}, "`client_type` of the user must be a token, a string. Received: None."),
        ({"client_type": True}, "must be a token, a string. Received: True."),
        ({"client_type": 1.0}, "must be a token, a string. Received: 1.0."),
        ({"client_type": "0,1"}, "must be a token without ','. Received: '0,1'."),
        ({"client_type": "\ud800"}, "`client_type` of the user must be valid Unicode."),
        ({"follow_topic_id": 3}, "must be a list of tokens or a string. Received: 3."),
        ({"follow_topic_id": ["3,0"]}, "must be a token without ','. Received: '3,0'."),
        ({"follow_topic_id": [["3"]]}, "must be a token, a string. Received: ['3']."),
        ({"all_topic_fav_7": "3"}, "`all_topic_fav_7` of the user must hold token:weight, weight >= 0."),
        ({"all_topic_fav_7": {"3": -1}}, "Received: '3:-1'."),
        ({"all_topic_fav_7": {"3": float("nan")}}, "Received: '3:nan'."),
        ({"all_topic_fav_7": {"3": float("inf")}}, "Received: '3:inf'."),
        ({"all_topic_fav_7": {"3": None}}, "must have numbers as weights. Received: None."),
        ({"all_topic_fav_7": {"a:b": 1}}, "Received: 'a:b:1'."),
        ({"all_topic_fav_7": ["3"]}, "must hold pairs of token and weight. Received: '3'."),
        ({"all_topic_fav_7": 3}, "must map tokens to weights. Received: 3."),
        (
            {"hist_topic_id": ["1"]},
            "The columns of a history must have equal lengths. Received: {'hist_topic_id': 1",
        ),
        ({"city": "x"}, "Received also: ['city']."),
    ],
)
def test_a_users_value_that_breaks_a_rule_is_an_error(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidRequestError) as error:
        user_cells(USER | change, DECLARATION)
    assert message in str(error.value)


def test_a_missing_column_is_an_error_that_names_it() -> None:
    with pytest.raises(InvalidRequestError, match=r"Candidate 1 must have the columns .* Missing: \['topic_id'\]"):
        candidate_cells([CANDIDATE, {"post_type": "1", "keyword_id": "4"}], DECLARATION)


@pytest.mark.parametrize(
    ("users", "count", "message"),
    [
        (1, 10_001, "A user must have at most 10000 candidates. Received: 10001."),
        (11, 10_000, "A request must ask for at most 100000 scores. Received: 11 users, 10000 candidates."),
    ],
)
def test_a_request_for_too_many_scores_is_an_error(users: int, count: int, message: str) -> None:
    with pytest.raises(InvalidRequestError) as error:
        request_inputs([(USER, [CANDIDATE] * count)] * users, DECLARATION)
    assert str(error.value) == message


@pytest.mark.parametrize("cell", ["1:0.5,\u3000,2:0.3", "1:0.5\x85"])
def test_unicode_blanks_are_no_blanks_as_in_ingestion(cell: str) -> None:
    with pytest.raises(InvalidRequestError, match="must hold token:weight"):
        user_cells(USER | {"all_topic_fav_7": cell}, DECLARATION)


def test_a_candidate_that_is_no_mapping_is_an_error() -> None:
    with pytest.raises(InvalidRequestError, match="Candidate 0 must be a mapping of column to value. Received: 'post_type'"):
        candidate_cells(["post_type"], DECLARATION)  # type: ignore[list-item]


def test_a_candidate_without_any_value_is_an_error_since_the_server_takes_it_for_padding() -> None:
    declaration = Declaration(
        (Label("act"), Group("user"), Category("a", side="item", required=False), CategoryList("b", side="item"))
    )
    with pytest.raises(InvalidRequestError, match="Received: all empty, candidate 1"):
        candidate_cells([{"a": "1", "b": []}, {"a": "", "b": []}], declaration)


NUMBERS = Declaration((Label("act"), Group("user"), Numeric("age", "user"), Numeric("price", "item", required=True)))


@pytest.mark.parametrize(("value", "cell"), [(34, "34"), (-0.5, "-0.5"), (1e16, "1e+16"), (" 3.50 ", "3.50"), ("", "")])
def test_a_number_is_sent_as_in_the_csv(value: Any, cell: str) -> None:
    assert user_cells({"age": value}, NUMBERS) == {"age": cell}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), "`price` of candidate 0 must be a finite number. Received: nan."),
        (float("-inf"), "must be a finite number. Received: -inf."),
        ("many", "must be a finite number. Received: 'many'."),
        ("", "must not be empty. Received: ''."),
        (True, "`price` of candidate 0 must be a number. Received: True."),
        (None, "must be a number. Received: None."),
    ],
)
def test_what_is_no_finite_number_is_an_error(value: Any, message: str) -> None:
    with pytest.raises(InvalidRequestError, match=re.escape(message)):
        candidate_cells([{"price": value}], NUMBERS)
