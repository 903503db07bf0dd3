"""The grammar of the cells, and that Transform's graph follows it, whatever the cells hold."""

from __future__ import annotations

import math

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from transform import cells
from transform.declaration import Column
from transform.features import DECLARATION
from transform.parsing import parse_numbers, split_history, split_lists, split_weights

WEIGHTED = Column("fav", "weighted_list", required=False, side="user", max_length=50)
NUMERIC = Column("age", "numeric", required=False, side="user")
# What the grammar tells apart, blanks of all kinds among them, and what float parsers are lenient about.
PIECES = [
    *"0123456789,,,:::..eE+-_ \t\n\v\f\r",
    "\u3000",
    "\x85",
    "\x1c",
    "\xa0",
    "\0",
    "話",
    "x",
    "nan",
    "inf",
    "0x1",
    "1:0.5",
]
MALFORMABLE = st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=12)
NUMBERS = st.from_regex(cells.WEIGHT_PATTERN, fullmatch=True)
IDS = st.text(min_size=1, max_size=4).filter(lambda text: "," not in text and ":" not in text and cells.strip(text))
PAIRS = st.builds("{}:{}".format, IDS, NUMBERS) | st.just(" ")
NEIGHBOUR = "7:0.5,8:0.25"


def parsed(*texts: str) -> tuple[list[list[str]], list[list[float]]]:
    """Tokens and weights of each cell, as the graph sees them."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    ids, weights = split_weights(split_lists({"pairs": tf.constant(encoded)}, {"pairs": 1000})["pairs"])
    return [[token.decode("utf-8", "surrogatepass") for token in row] for row in ids.to_list()], weights.to_list()


def expected(cell: str) -> tuple[list[str], list[float]]:
    """What the grammar says of an accepted cell."""
    pairs = [pair.split(":") for pair in map(cells.strip, cell.split(",")) if pair]
    return [cells.strip(token) for token, _ in pairs], [float(weight) for _, weight in pairs]


@settings(max_examples=400, deadline=None)
@given(st.lists(PAIRS, max_size=4).map(",".join) | MALFORMABLE)
def test_the_graph_parses_what_is_accepted_to_the_same_and_what_is_not_harms_no_neighbour(cell: str) -> None:
    (ids, _), (weights, neighbour) = parsed(cell, NEIGHBOUR)
    assert neighbour == [0.5, 0.25]
    if cells.fault(cells.strip(cell), WEIGHTED) is None:
        tokens, numbers = expected(cell)
        assert ids == tokens
        assert weights == pytest.approx(numbers, rel=1e-6, abs=1e-37)
    else:
        assert any(map(math.isnan, weights))


@settings(max_examples=400, deadline=None)
@given(st.from_regex(cells.NUMBER_PATTERN, fullmatch=True) | st.floats().map(str) | st.integers().map(str) | MALFORMABLE)
def test_the_graph_reads_the_numbers_that_are_accepted_and_knows_the_others(cell: str) -> None:
    numbers, missing = parse_numbers(tf.constant([cell.encode("utf-8", "surrogatepass"), "-1.5"]))
    assert numbers[1] == -1.5
    stripped = cells.strip(cell)
    assert bool(missing[0]) == (stripped == "")
    if stripped and cells.fault(stripped, NUMERIC) is None:
        assert float(numbers[0]) == pytest.approx(float(stripped), rel=1e-12)
        assert abs(float(stripped)) < 3.4e38
    else:
        assert math.isnan(numbers[0])


@pytest.mark.parametrize(
    "cell", ["0", "-0", "12", "007", "1.", ".5", "-.25", "3e5", "1E-7", "1e-07", "1e+16", "-9.9e37", "", str(2**60)]
)
def test_a_finite_number_is_no_fault(cell: str) -> None:
    assert cells.fault(cell, NUMERIC) is None


@pytest.mark.parametrize(
    "cell", ["nan", "inf", "-Infinity", "1e38", "1e999", "1,5", "1 5", "0x10", "1_000", "--1", ".", "e5", "\u0661", "a"]
)
def test_what_is_no_finite_number_is_a_fault(cell: str) -> None:
    assert cells.fault(cell, NUMERIC) == cells.Fault("number", cell)


@settings(max_examples=200, deadline=None)
@given(MALFORMABLE, MALFORMABLE)
def test_the_graph_counts_a_historys_entries_as_the_grammar_does(topics: str, keywords: str) -> None:
    (history,) = DECLARATION.histories
    row = dict(zip(history.columns, map(cells.strip, (topics, keywords)), strict=True))
    tensors = {name: tf.constant([cell.encode("utf-8", "surrogatepass")]) for name, cell in row.items()}
    lengths = {name: int(split.row_lengths()[0]) for name, split in split_history(tensors, history).items()}
    counted = {name: cells.entries(cell) for name, cell in row.items()}
    if cells.unaligned(row, [history]) is None:
        assert lengths == counted
    else:
        assert set(lengths.values()) == {min(counted.values())}


@pytest.mark.parametrize(
    "cell", ["1:0.5,\u3000,2:0.3", "\x85:1, :1", "1:0.5\u3000", "1:\u30000.5", "1", "1:", ":1", "1:1:1"]
)
def test_a_malformed_entry_is_named(cell: str) -> None:
    found = cells.fault(cells.strip(cell), WEIGHTED)
    assert found is not None
    assert found.rule == "weights"
    assert found.received in cell


@pytest.mark.parametrize("cell", ["", ",", "1:0.5,", "1 : 0.5 ,\v2:\f3", "\u3000:1", "a\nb:1", "1:0.5e0", "話:1E-9"])
def test_blanks_around_entries_ids_and_weights_are_no_fault(cell: str) -> None:
    assert cells.fault(cells.strip(cell), WEIGHTED) is None
