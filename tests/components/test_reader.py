"""The strict path: which rows are accepted, and which rule each bad one breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from components.example_gen import rules
from components.example_gen.header import Header, HeaderError, read_header
from components.example_gen.reader import RowReader
from components.example_gen.rules import RULES, RowError, Rule
from components.example_gen.settings import IngestionSettings
from transform.features import DECLARATION

HEADER = ",".join(column.name for column in DECLARATION.columns).encode()
GOOD = b'1,144629,0,1,177,"225,158","1:0.4074,177:0.1217","225,158","1,4",3'
OPEN = b'1,144629,0,1,177,"225,158","1:0.4074,177:0.1217","225,158","1,4'


def reader(settings: IngestionSettings | None = None, header: bytes = HEADER, delimiter: str = ",") -> RowReader:
    parsed = read_header(header, delimiter, DECLARATION)
    return RowReader(parsed, DECLARATION, settings or IngestionSettings())


def read(line: bytes, follower: bytes = b"") -> dict[str, str]:
    row = reader().read(line, follower)
    assert row is not None
    return row


def test_ids_stay_strings() -> None:
    row = read(GOOD.replace(b"177,", b"007,", 1))
    assert row["topic_id"] == "007"
    assert row["hist_topic_id"] == "225,158"


def test_the_articles_ten_rows_are_accepted() -> None:
    path = Path(__file__).parents[1] / "fixtures" / "article.csv"
    header, *lines = path.read_bytes().splitlines(keepends=True)
    rows = [reader(header=header).read(line) for line in lines]
    assert [row["act"] for row in rows if row] == list("0101101010")
    assert rows[0] is not None
    assert rows[0]["hist_keyword_id"] == "1,4"


@pytest.mark.parametrize(
    ("line", "column", "cell"),
    [
        (GOOD + b"\r\n", "keyword_id", "3"),
        (GOOD.replace(b"144629", b"0"), "client_id", "0"),
        (GOOD.replace(b"144629", b"9" * 200_000), "client_id", "9" * 200_000),
        (GOOD.replace(b"144629", b'"144629"'), "client_id", "144629"),
        (GOOD.replace(b"144629", b'"14""46"'), "client_id", '14"46'),
        (GOOD.replace(b"144629", b" \t144629 "), "client_id", "144629"),
        (GOOD.replace(b"144629", "ключ-客".encode()), "client_id", "ключ-客"),
        (GOOD.replace(b'"1:0.4074,177:0.1217"', b""), "all_topic_fav_7", ""),
        (GOOD.replace(b"0.4074", b"0").replace(b"0.1217", b"0.0"), "all_topic_fav_7", "1:0,177:0.0"),
        (GOOD.replace(b'"225,158","1,4"', b","), "hist_topic_id", ""),
        (GOOD.replace(b'"1,4"', b'",4"'), "hist_keyword_id", ",4"),
    ],
    ids=[
        "CRLF",
        "the id 0",
        "a very long id",
        "a quoted id",
        "escaped quotes",
        "blanks around a cell",
        "letters beyond ASCII",
        "an empty list",
        "weights with the sum 0",
        "an empty history",
        "an empty token in a history",
    ],
)
def test_an_unusual_row_is_accepted(line: bytes, column: str, cell: str) -> None:
    assert read(line)[column] == cell


@pytest.mark.parametrize("line", [b"", b"\n", b"\r\n", b" \t \n", b"\v\f"])
def test_a_blank_line_is_no_row(line: bytes) -> None:
    assert reader().read(line) is None


@pytest.mark.parametrize(
    ("line", "rule", "message"),
    [
        (GOOD + b",9", rules.ROW_WIDTH, "A row must have 10 cells, as the header has. Received: 11 cells"),
        (GOOD.rsplit(b",", 1)[0], rules.ROW_WIDTH, "A row must have 10 cells, as the header has. Received: 9 cells"),
        (b"\xc2\xa0", rules.ROW_WIDTH, "Received: 1 cells"),
        (b"2" + GOOD[1:], rules.LABEL, "`act` must be 0 or 1. Received: '2'"),
        (b"1.0" + GOOD[1:], rules.LABEL, "`act` must be 0 or 1. Received: '1.0'"),
        (GOOD[1:], rules.LABEL, "`act` must be 0 or 1. Received: ''"),
        (GOOD.replace(b"144629", b" "), rules.REQUIRED, "`client_id` must not be empty. Received: ''"),
        (GOOD.replace(b"177,", b'"177,178",', 1), rules.ONE_ID, "`topic_id` must be one id, without ','."),
        (GOOD.replace(b"144629", b'"1,4"'), rules.ONE_ID, "`client_id` must be one id, without ','."),
        (GOOD.replace(b"0.1217", b"nan"), rules.WEIGHTS, "`all_topic_fav_7` must hold `id:weight` with finite"),
        (GOOD.replace(b"0.1217", b"-1"), rules.WEIGHTS, "finite weights >= 0. Received: '177:-1'"),
        (GOOD.replace(b"0.1217", b"1e999"), rules.WEIGHTS, "finite weights >= 0. Received: '177:1e999'"),
        (GOOD.replace(b"177:0.1217", b"177"), rules.WEIGHTS, "finite weights >= 0. Received: '177'"),
        (GOOD.replace(b"177:0.1217", b"\v:0.1"), rules.WEIGHTS, "finite weights >= 0. Received: ':0.1'"),
        (
            GOOD.replace(b'"1,4"', b"1"),
            rules.ALIGNED_HISTORY,
            "hist_topic_id, hist_keyword_id. Received: hist_topic_id has 2",
        ),
        (GOOD.replace(b'"1,4"', b""), rules.ALIGNED_HISTORY, "hist_keyword_id has 0"),
        (GOOD.replace(b'"1,4"', b'"1,4'), rules.QUOTES, "A row must be valid CSV"),
        (GOOD.replace(b"144629", b'14"4629'), rules.QUOTES, "quotes stand around a whole cell"),
        (GOOD.replace(b"144629", b'"144"629'), rules.QUOTES, "quotes stand around a whole cell"),
        (GOOD.replace(b'"225,158"', b'"225"158"', 1), rules.QUOTES, "are doubled within it"),
        (GOOD.replace(b"144629", b"14\r4629"), rules.NEWLINE_IN_QUOTES, "A row must be one line"),
        (GOOD.replace(b"144629", b"\xff\xfe"), rules.UTF_8, "A row must be valid UTF-8"),
        (GOOD.replace(b"144629", b"1\x004"), rules.NUL, "A row must not hold NUL characters"),
        (b"7" * 10_000_000 + GOOD, rules.ROW_SIZE, "A row must not be longer than 1048576 bytes"),
        (b" " * 10_000_000, rules.ROW_SIZE, "A row must not be longer than 1048576 bytes"),
        (GOOD.replace(b'"225,158"', b'"' + b"7," * 10_000 + b'7"', 1), rules.LIST_LENGTH, "at most 10000 entries"),
    ],
)
def test_a_bad_row_is_rejected_by_its_rule(line: bytes, rule: Rule, message: str) -> None:
    with pytest.raises(RowError) as caught:
        reader().read(line, GOOD)
    assert caught.value.rule is rule
    assert message in str(caught.value)
    assert len(str(caught.value)) < 400


def test_every_rule_has_an_id_of_its_own() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES) == 14


@pytest.mark.parametrize(
    ("follower", "rule"),
    [
        (b'5",3\n', rules.NEWLINE_IN_QUOTES),
        (b"the next line of a text\n", rules.NEWLINE_IN_QUOTES),
        (GOOD, rules.QUOTES),
        (b"\n", rules.QUOTES),
        (b"", rules.QUOTES),
    ],
    ids=["the rest of the row", "more of the cell", "a row", "a blank line", "nothing"],
)
def test_what_follows_tells_a_newline_in_quotes_from_a_quote_left_open(follower: bytes, rule: Rule) -> None:
    with pytest.raises(RowError) as caught:
        read(OPEN, follower)
    assert caught.value.rule is rule


def test_the_bounds_are_settings() -> None:
    strict = reader(IngestionSettings(max_row_bytes=len(GOOD), max_list_length=2))
    assert strict.read(GOOD + b"\r\n")
    with pytest.raises(RowError, match=f"longer than {len(GOOD)} bytes"):
        strict.read(GOOD + b"0")
    with pytest.raises(RowError, match="`hist_topic_id` must hold at most 2 entries. Received: 3 entries"):
        strict.read(GOOD.replace(b'"225,158","1,4"', b'"2,2,1","1,4"'))


def test_tab_separated_cells_are_quoted_alike() -> None:
    line = b'1\t144629\t0\t1\t177\t225,158\t1:0.4074\t"225,158"\t1,4\t"a\tb"\n'
    row = reader(header=HEADER.replace(b",", b"\t"), delimiter="\t").read(line)
    assert row is not None
    assert row["follow_topic_id"] == row["hist_topic_id"] == "225,158"
    assert row["keyword_id"] == "a\tb"


def test_a_header_may_come_in_any_order_with_other_columns_and_a_byte_order_mark() -> None:
    names = HEADER.split(b",")
    header = b"\xef\xbb\xbf" + b",".join([names[-1], b"extra", *names[:-1]]) + b"\r\n"
    parsed = read_header(header, ",", DECLARATION)
    assert parsed == Header(",", 11, (2, 3, 4, 5, 6, 7, 8, 9, 10, 0), ("extra",))
    row = reader(header=header).read(b"3,x," + GOOD.rsplit(b",", 1)[0] + b"\r\n")
    assert row is not None
    assert (row["keyword_id"], row["act"]) == ("3", "1")
    assert list(row) == [column.name for column in DECLARATION.columns]


@pytest.mark.parametrize(
    ("header", "message"),
    [
        (HEADER.removesuffix(b",keyword_id"), "must hold every declared column; missing: keyword_id. Received: 'act,"),
        (HEADER + b",act,topic_id", "must name each declared column once. Received more than once: act, topic_id"),
        (HEADER.replace(b"act", b'"act'), "must be one line of column names"),
        (HEADER.replace(b"act", b"\xff\xfe"), "must be valid UTF-8"),
        (HEADER.replace(b"act", b"a\0ct"), "must be one line of column names"),
        (HEADER + b"\r" + GOOD, "must be one line of column names"),
        (b"\n", "must hold every declared column"),
    ],
)
def test_a_bad_header_is_an_error_that_says_the_rule(header: bytes, message: str) -> None:
    with pytest.raises(HeaderError) as caught:
        read_header(header, ",", DECLARATION)
    assert message in str(caught.value)
