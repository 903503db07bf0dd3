"""Reading CSV rows by the declared types."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.example_gen.reader import InvalidInputError, Row, read_rows
from transform.features import DECLARATION

HEADER = ",".join(column.name for column in DECLARATION.columns).encode()
GOOD = b'1,144629,0,1,177,"225,158","1:0.4074,177:0.1217","225,158","1,4",3'


def read(*lines: bytes) -> list[Row]:
    return list(read_rows(lines, "feed.csv", DECLARATION))


def test_ids_stay_strings() -> None:
    (row,) = read(HEADER, GOOD.replace(b"177,", b"007,", 1))
    assert row.cells["topic_id"] == "007"
    assert row.cells["hist_topic_id"] == "225,158"


def test_rows_are_numbered_as_lines_of_the_file() -> None:
    assert [row.line for row in read(HEADER, GOOD, b"", b"  \r\n", GOOD)] == [2, 5]


def test_the_header_may_come_in_any_order_with_other_columns_and_a_byte_order_mark() -> None:
    names = HEADER.split(b",")
    header = b"\xef\xbb\xbf" + b",".join([names[-1], b"extra", *names[:-1]])
    (row,) = read(header + b"\r\n", b"3,x," + GOOD.rsplit(b",", 1)[0] + b"\r\n")
    assert row.cells["keyword_id"] == "3"
    assert row.cells["act"] == "1"
    assert "extra" not in row.cells


def test_the_articles_ten_rows_are_read() -> None:
    path = Path(__file__).parents[1] / "fixtures" / "article.csv"
    rows = list(read_rows(path.read_bytes().splitlines(keepends=True), path.name, DECLARATION))
    assert len(rows) == 10
    assert rows[0].cells["hist_keyword_id"] == "1,4"
    assert [row.cells["act"] for row in rows] == list("0101101010")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (GOOD + b",9", "A row must have 10 cells, as the header has. Received: 11 cells"),
        (GOOD.rsplit(b",", 1)[0], "A row must have 10 cells, as the header has. Received: 9 cells"),
        (b"2" + GOOD[1:], "`act` must be 0 or 1. Received: '2'"),
        (b"1.0" + GOOD[1:], "`act` must be 0 or 1. Received: '1.0'"),
        (GOOD[1:], "`act` must be 0 or 1. Received: ''"),
        (GOOD.replace(b"144629", b""), "`client_id` must not be empty. Received: ''"),
        (GOOD.replace(b"177,", b'"177,178",', 1), "`topic_id` must be one id, without ','. Received: '177,178'"),
        (GOOD.replace(b"0.1217", b"nan"), "`all_topic_fav_7` must hold `id:weight` .* Received: '177:nan'"),
        (GOOD.replace(b"0.1217", b"-1"), "finite weights >= 0. Received: '177:-1'"),
        (GOOD.replace(b"0.1217", b"1e999"), "finite weights >= 0. Received: '177:1e999'"),
        (GOOD.replace(b"177:0.1217", b"177"), "finite weights >= 0. Received: '177'"),
        (GOOD.replace(b'"1,4"', b"1"), "equal lengths: hist_topic_id, hist_keyword_id. Received: hist_topic_id has 2"),
        (GOOD.replace(b'"1,4"', b'"1,4'), "one line of valid CSV with balanced quotes"),
        (GOOD.replace(b"144629", b"\xff\xfe"), "A row must be valid UTF-8"),
        (GOOD.replace(b"144629", b"1\x004"), "A row must not hold NUL characters"),
    ],
)
def test_a_bad_row_is_an_error_that_names_file_line_rule_and_what_was_received(line: bytes, message: str) -> None:
    with pytest.raises(InvalidInputError, match=f"feed.csv, line 3: .*{message}"):
        read(HEADER, GOOD, line)


def test_a_missing_column_is_an_error_before_any_row() -> None:
    with pytest.raises(InvalidInputError, match="line 1: The header must hold every declared column; missing: keyword_id"):
        read(HEADER.removesuffix(b",keyword_id"), GOOD)


def test_a_column_named_twice_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match="line 1: The header must name each column once. Received: act"):
        read(HEADER + b",act", GOOD)


def test_an_empty_file_is_an_error() -> None:
    with pytest.raises(InvalidInputError, match=r"feed.csv, line 1: .* Received: an empty file"):
        read()


def test_an_unbalanced_quote_does_not_swallow_the_next_row() -> None:
    with pytest.raises(InvalidInputError, match="line 2: "):
        read(HEADER, GOOD.replace(b'"1,4"', b'"1,4'), GOOD)


def test_what_was_received_is_cut_to_a_readable_length() -> None:
    with pytest.raises(InvalidInputError) as caught:
        read(HEADER, b"7" * 100_000 + GOOD[1:])
    assert len(str(caught.value)) < 400
