"""Numbers on their way through ingestion, statistics and validation."""

from __future__ import annotations

import csv
import io

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.data_bounds import DataBounds
from components.example_gen.blocks import read_blocks
from components.example_gen.columnar import BlockReader
from components.example_gen.header import read_header
from components.example_gen.reader import RowReader
from components.example_gen.rules import NUMBER, REQUIRED, WEIGHT, RowError
from components.example_gen.settings import IngestionSettings
from components.example_validator.data_checks import SplitStatistics, check_split
from components.statistics_gen.executor import token_options
from components.statistics_gen.tokens import split_batch
from tests.support import RawRow, random_rows
from transform import cells
from transform.declaration import Category, Declaration, Group, Label, Numeric, SampleWeight

# It must come after TFX, which the components import first (`components/statistics_gen/__init__.py`).
from tensorflow_data_validation.statistics import stats_impl  # isort: skip

DECLARATION = Declaration(
    (
        Label("act"),
        Group("user"),
        Category("topic", side="item"),
        Numeric("age", side="user"),
        Numeric("price", "item", True),
        SampleWeight("weight"),
    )
)
HEADER = b"act,user,topic,age,price,weight\n"
SETTINGS = IngestionSettings()
PIECES = [*"0123456789+-.eE \t\v,", "nan", "inf", "1e38", "\u0660"]
CELLS = st.from_regex(cells.NUMBER_PATTERN, fullmatch=True) | st.lists(st.sampled_from(PIECES), max_size=6).map("".join)


def line(*row: str) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(row)
    return text.getvalue().encode()


def strict(row: bytes) -> dict[str, str] | None:
    return RowReader(read_header(HEADER, ",", DECLARATION), DECLARATION, SETTINGS).read(row)


def columnar(row: bytes) -> list[dict[str, str]]:
    """The rows that the columnar path takes by itself."""
    reader = BlockReader(read_header(HEADER, ",", DECLARATION), DECLARATION, SETTINGS)
    (block,) = read_blocks(io.BytesIO(HEADER + row), len(HEADER), None, SETTINGS.max_row_bytes)
    checked = reader.read(block)
    assert len(checked.rows) + len(checked.rejected) == 1
    rows: list[dict[str, str]] = checked.rows.to_pylist()
    return rows


@settings(max_examples=300, deadline=None)
@given(CELLS, CELLS, CELLS)
def test_both_paths_accept_the_same_numbers(age: str, price: str, weight: str) -> None:
    row = line("1", "7", "3", age, price, weight)
    try:
        accepted = [strict(row)]
    except RowError:
        accepted = []
    assert columnar(row) == accepted


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "1e999", "four", "1;5"])
def test_what_is_no_finite_number_is_rejected_by_its_rule(cell: str) -> None:
    with pytest.raises(RowError, match="`age` must be a finite number. Received: ") as caught:
        strict(line("1", "7", "3", cell, "1.5", ""))
    assert caught.value.rule is NUMBER
    assert caught.value.received == repr(cell)


@pytest.mark.parametrize("cell", ["-1", "nan", "inf", "heavy"])
def test_a_weight_that_is_negative_or_no_finite_number_is_rejected_by_its_rule(cell: str) -> None:
    with pytest.raises(RowError, match="`weight` must be a finite number >= 0. Received: ") as caught:
        strict(line("1", "7", "3", "1", "1.5", cell))
    assert caught.value.rule is WEIGHT


def test_a_number_may_be_missing_unless_it_is_required() -> None:
    assert strict(line("1", "7", "3", " ", " -1.5e2 ", " 0.5")) == {
        "act": "1",
        "user": "7",
        "topic": "3",
        "age": "",
        "price": "-1.5e2",
        "weight": "0.5",
    }
    with pytest.raises(RowError, match="`price` must not be empty") as caught:
        strict(line("1", "7", "3", "1", "", ""))
    assert caught.value.rule is REQUIRED


def statistics(rows: list[RawRow]) -> statistics_pb2.DatasetFeatureStatisticsList:
    arrays = {
        column.name: pa.array(
            [[int(row[column.name])] if column.kind == "label" else [row[column.name].encode()] for row in rows]
        )
        for column in DECLARATION.columns
    }
    batch = split_batch(pa.RecordBatch.from_pydict(arrays), DECLARATION)
    return stats_impl.generate_statistics_in_memory(batch, token_options(DECLARATION))


def test_statistics_count_numbers_as_numbers_and_empty_cells_as_missing() -> None:
    rows = [row | {"age": age} for row, age in zip(random_rows(DECLARATION, 4), ["10", "20.5", "", "-1e1"], strict=True)]
    (dataset,) = statistics(rows).datasets
    age = next(one.num_stats for one in dataset.features if one.path.step == ["age"])
    assert (age.min, age.max, age.common_stats.num_missing) == (-10.0, 20.5, 1)
    assert age.mean == pytest.approx(20.5 / 3)


def checks(current: list[RawRow], previous: list[RawRow]) -> set[tuple[str, str]]:
    """The features and measures that are found to be wrong."""
    split = SplitStatistics("train", statistics(current), statistics(previous), None)
    findings, _ = check_split(split, DECLARATION, DataBounds())
    assert {"age", "price"} <= {finding.feature for finding in findings}
    return {(finding.feature, finding.measure) for finding in findings if not finding.passed}


def test_a_number_in_another_unit_is_drift_and_one_that_is_gone_is_missing() -> None:
    rows, previous = random_rows(DECLARATION, 2000, seed=1), random_rows(DECLARATION, 2000, seed=2)
    assert checks(rows, previous) == set()
    cents = [row | {"price": str(100 * float(row["price"]))} for row in rows]
    assert checks(cents, previous) == {("price", "drift")}
    assert checks([row | {"age": ""} for row in rows], previous) == {("age", "missing")}
