"""Splitting cells into ragged tokens."""

from __future__ import annotations

import pytest
import tensorflow as tf

from transform.declaration import History
from transform.parsing import split_history, split_lists, split_weights


def strings(ragged: tf.RaggedTensor) -> list[list[str]]:
    return [[token.decode() for token in row] for row in ragged.to_list()]


def split_tokens(cells: list[str], max_length: int = 100) -> tf.RaggedTensor:
    return split_lists({"column": tf.constant(cells, tf.string)}, {"column": max_length})["column"]


def test_an_empty_cell_has_no_token() -> None:
    assert strings(split_tokens(["", " ", ",,", "1"])) == [[], [], [], ["1"]]


def test_blanks_around_tokens_are_dropped_and_zero_is_a_token() -> None:
    assert strings(split_tokens(["0, 12 ,3"])) == [["0", "12", "3"]]


def test_a_list_keeps_its_first_entries() -> None:
    assert strings(split_tokens(["1,2,3", "4"], 2)) == [["1", "2"], ["4"]]


def test_weighted_pairs_split_into_ids_and_weights() -> None:
    ids, weights = split_weights(split_tokens(["1:0.4074,177:1e-2,0:3", ""]))
    assert strings(ids) == [["1", "177", "0"], []]
    assert weights.to_list()[0] == pytest.approx([0.4074, 0.01, 3.0])
    assert weights.to_list()[1] == []


@pytest.mark.parametrize("pair", ["177", "177:", ":0.5", "1:nan", "1:-1", "1:inf", "1:1e999", "1:x", "1:2:3", "\u3000"])
def test_a_malformed_weight_is_no_number_and_does_no_harm_to_others(pair: str) -> None:
    _, weights = split_weights(split_tokens([f"5:0.1,{pair}", "6:0.25"]))
    malformed, other = weights.to_list()
    assert malformed == [pytest.approx(0.1), pytest.approx(float("nan"), nan_ok=True)]
    assert other == [0.25]


HISTORY = History("history", queries=(("a", "x"), ("b", "y")), max_length=3)


def history(a: str, b: str) -> tuple[list[str], list[str]]:
    split = split_history({"a": tf.constant([a]), "b": tf.constant([b])}, HISTORY)
    return strings(split["a"])[0], strings(split["b"])[0]


def test_a_history_keeps_its_newest_entries_with_the_newest_last() -> None:
    assert history("1,2,3,4,5", "6,7,8,9,10") == (["3", "4", "5"], ["8", "9", "10"])


def test_an_empty_history_has_no_position() -> None:
    assert history("", "") == ([], [])


def test_an_empty_token_keeps_its_position_in_a_history() -> None:
    assert history("1,,3", "4,5,6") == (["1", "", "3"], ["4", "5", "6"])


def test_histories_of_unequal_lengths_are_aligned_at_their_newest_end() -> None:
    assert history("1,2,3", "9") == (["3"], ["9"])


def test_columns_that_are_split_together_are_split_as_if_alone() -> None:
    cells = {"a": ["1,,2", "", " 3 ,4,5", "6"], "b": ["", "7,8,9", ",,", "1,2"], "c": ["x"] * 4}
    lengths = {"a": 2, "b": 3, "c": 1}
    together = split_lists({name: tf.constant(column) for name, column in cells.items()}, lengths)
    for name, column in cells.items():
        assert strings(together[name]) == strings(split_tokens(column, lengths[name])), name
    assert strings(together["a"]) == [["1", "2"], [], ["3", "4"], ["6"]]


def test_no_rows_are_split_into_none() -> None:
    assert strings(split_tokens([])) == []
    nothing = tf.zeros((0,), tf.string)
    assert [strings(split) for split in split_history({"a": nothing, "b": nothing}, HISTORY).values()] == [[], []]
