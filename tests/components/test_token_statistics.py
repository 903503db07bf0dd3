"""Statistics count tokens, not joined strings."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
import tensorflow as tf
from tfx.components.statistics_gen.stats_artifact_utils import load_statistics
from tfx.types.standard_artifacts import ExampleStatistics

from components.statistics_gen.tokens import split_batch
from pipeline.results import split_sizes
from tests.components.validation_support import EVAL, TRAIN, as_arrow, statistics_of
from tests.support import EDGE_ROWS, raw_row
from transform.features import DECLARATION
from transform.parsing import split_lists, split_weights

ROWS = [
    raw_row(client_id="7", follow_topic_id="225,158"),
    raw_row(client_id="8", follow_topic_id="158", all_topic_fav_7=""),
    raw_row(client_id="8", follow_topic_id="", topic_id="", act="0"),
]


@pytest.fixture(scope="module")
def statistics(tmp_path_factory: pytest.TempPathFactory) -> ExampleStatistics:
    return statistics_of({TRAIN: ROWS, EVAL: ROWS[:1]}, tmp_path_factory.mktemp("statistics"))


def feature(statistics: ExampleStatistics, name: str) -> Any:
    [dataset] = load_statistics(statistics, TRAIN).proto().datasets
    return next(one for one in dataset.features if one.path.step[0] == name)


def counts(statistics: ExampleStatistics, name: str) -> dict[str, float]:
    buckets = feature(statistics, name).string_stats.rank_histogram.buckets
    return {bucket.label: bucket.sample_count for bucket in buckets}


def test_a_list_of_two_topics_counts_as_two_topics(statistics: ExampleStatistics) -> None:
    assert counts(statistics, "follow_topic_id") == {"225": 1, "158": 2}
    assert counts(statistics, "hist_keyword_id") == {"2": 3, "4": 3}


def test_a_weighted_list_is_ids_and_numbers(statistics: ExampleStatistics) -> None:
    assert counts(statistics, "all_topic_fav_7") == {"3": 2, "1": 2}
    weights = feature(statistics, "all_topic_fav_7_weight").num_stats
    assert (weights.min, weights.max, weights.mean) == (0.25, 0.5, 0.375)
    assert weights.common_stats.num_missing == 1


def test_an_empty_cell_is_missing(statistics: ExampleStatistics) -> None:
    assert feature(statistics, "topic_id").string_stats.common_stats.num_missing == 1
    assert feature(statistics, "follow_topic_id").string_stats.common_stats.num_missing == 1


def test_each_label_is_counted(statistics: ExampleStatistics) -> None:
    assert {top.value: top.frequency for top in feature(statistics, "act").string_stats.top_values} == {"0": 1, "1": 2}


def test_users_are_counted_and_not_named(statistics: ExampleStatistics) -> None:
    users = feature(statistics, "client_id").string_stats
    assert users.unique == 2
    assert not users.top_values
    assert not users.rank_histogram.buckets


def test_the_statistics_say_what_they_are_of(statistics: ExampleStatistics) -> None:
    assert statistics.span == statistics.get_int_custom_property("span") == 3
    assert statistics.get_int_custom_property("version") == 2
    assert statistics.get_int_custom_property("examples_id") == 7
    assert statistics.get_string_custom_property("span_name") == "2026-01-04"
    assert statistics.get_string_custom_property("data_root") == "/data"


def test_the_layout_is_that_of_tfx(statistics: ExampleStatistics) -> None:
    assert split_sizes(statistics, (TRAIN, EVAL)) == {TRAIN: 3, EVAL: 1}


def test_cells_split_as_the_transform_graph_splits_them() -> None:
    rows = [
        *EDGE_ROWS,
        raw_row(follow_topic_id=" 225, 158 ,,", all_topic_fav_7=" 1 : 0.5 , 7:1e-3,"),
        raw_row(follow_topic_id="\t,", all_topic_fav_7=""),
        raw_row(follow_topic_id="münchen,京都"),
    ]
    batch = split_batch(as_arrow(rows), DECLARATION)
    columns = ("follow_topic_id", "all_topic_fav_7")
    split = split_lists({name: tf.constant([row[name] for row in rows]) for name in columns}, dict.fromkeys(columns, 100))
    lists, (ids, weights) = split["follow_topic_id"], split_weights(split["all_topic_fav_7"])
    expected = {"follow_topic_id": lists, "all_topic_fav_7": ids, "all_topic_fav_7_weight": weights}
    for name, ragged in expected.items():
        assert [row or [] for row in batch.column(name).to_pylist()] == ragged.to_list(), name


def test_a_row_with_two_values_is_refused() -> None:
    batch = as_arrow(ROWS)
    columns = {name: batch.column(name) for name in batch.schema.names}
    columns["topic_id"] = pa.array([[b"1"], [b"1", b"2"], [b"3"]])
    with pytest.raises(ValueError, match=r"exactly one value of 'topic_id'. Received: \[1, 2\]"):
        split_batch(pa.RecordBatch.from_pydict(columns), DECLARATION)
