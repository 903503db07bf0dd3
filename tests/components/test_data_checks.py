"""Bad days are found, and days that differ by chance are not."""

from __future__ import annotations

import functools
from collections.abc import Mapping

import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from components.data_bounds import DataBounds
from components.example_validator.data_checks import SplitStatistics, check_split
from components.example_validator.findings import Finding
from tests.components.validation_support import changed, day, statistics_in_memory
from tests.support import RawRow
from transform.features import DECLARATION

YESTERDAY = day(2000, span=0)
TODAY = day(2000, span=1)
DEFAULT = DataBounds()
LARGE = {"topics": 300, "keywords": 3000}


def renamed(row: RawRow, column: str) -> RawRow:
    return {column: ",".join(f"t{token}" for token in row[column].split(",") if token)}


DAYS: Mapping[str, list[RawRow]] = {
    "yesterday": YESTERDAY,
    "today": TODAY,
    "small-yesterday": day(400, span=0),
    "small-today": day(400, span=1),
    "large-yesterday": day(4000, span=0, **LARGE),
    "large-today": day(4000, span=1, **LARGE),
    "large-renamed": changed(day(4000, span=1, **LARGE), 1.0, lambda row: renamed(row, "keyword_id")),
    "one-topic-takes-over": changed(TODAY, 0.3, lambda _: {"topic_id": "0"}),
    "lists-renamed": changed(TODAY, 1.0, lambda row: renamed(row, "hist_topic_id")),
    "list-emptied": changed(TODAY, 0.6, lambda _: {"follow_topic_id": ""}),
    "weights-in-percent": changed(TODAY, 1.0, lambda _: {"all_topic_fav_7": "3:60,1:40"}),
    "an-outlier": changed(TODAY, 0.001, lambda _: {"all_topic_fav_7": "3:1e9"}),
    "weights-not-numbers": changed(TODAY, 1.0, lambda _: {"all_topic_fav_7": "3:nan,1:inf"}),
    "required-cells-empty": changed(TODAY, 0.02, lambda _: {"topic_id": " "}),
    "more-clicks": changed(TODAY, 0.3, lambda _: {"act": "1"}),
    "no-clicks": changed(TODAY, 1.0, lambda _: {"act": "0"}),
    "label-of-2": changed(TODAY, 0.02, lambda _: {"act": "2"}),
    "unknown-client": changed(TODAY, 0.02, lambda _: {"client_type": "fridge"}),
    "few-rows": TODAY[:100],
    "no-rows": [],
}


@functools.cache
def statistics_of_day(name: str) -> statistics_pb2.DatasetFeatureStatisticsList:
    return statistics_in_memory(DAYS[name])


def checked(
    current: str,
    previous: str | None = "yesterday",
    judge: str | None = None,
    bounds: DataBounds = DEFAULT,
) -> tuple[list[Finding], anomalies_pb2.Anomalies]:
    compared = [statistics_of_day(name) if name else None for name in (previous, judge)]
    return check_split(SplitStatistics("train", statistics_of_day(current), *compared), DECLARATION, bounds)


def broken(current: str, previous: str | None = "yesterday", bounds: DataBounds = DEFAULT) -> set[tuple[str, str]]:
    findings, _ = checked(current, previous, bounds=bounds)
    return {(finding.feature, finding.measure) for finding in findings if not finding.passed}


@pytest.mark.parametrize("size", ["", "small-", "large-"])
def test_days_that_differ_by_chance_pass(size: str) -> None:
    findings, anomalies = checked(f"{size}today", f"{size}yesterday")
    assert {finding.feature for finding in findings if finding.measure == "drift"} >= {"topic_id", "keyword_id", "act"}
    assert all(finding.passed for finding in findings)
    assert not anomalies.anomaly_info


def test_a_topic_that_takes_over_is_drift() -> None:
    findings, anomalies = checked("one-topic-takes-over")
    [finding] = [finding for finding in findings if not finding.passed]
    assert (finding.feature, finding.measure, finding.verdict) == ("topic_id", "drift", "SEVERE")
    assert finding.value is not None
    assert finding.bound is not None
    assert 0.03 < finding.bound < finding.value < 0.1
    assert finding.detail.startswith("'0' ")
    [reason] = anomalies.anomaly_info["topic_id"].reason
    assert reason.type == anomalies_pb2.AnomalyInfo.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH


def test_renamed_tokens_of_a_list_are_drift() -> None:
    assert broken("lists-renamed") == {("hist_topic_id", "drift"), ("hist_topic_id", "new_tokens")}


def test_renamed_ids_are_found_in_a_column_without_frequent_tokens() -> None:
    assert broken("large-renamed", "large-yesterday") == {("keyword_id", "new_tokens")}


def test_a_list_that_is_suddenly_empty_is_found() -> None:
    findings, anomalies = checked("list-emptied")
    [finding] = [finding for finding in findings if not finding.passed]
    assert (finding.feature, finding.measure) == ("follow_topic_id", "missing")
    assert anomalies.anomaly_info["follow_topic_id"].reason[0].type == anomalies_pb2.AnomalyInfo.CUSTOM_VALIDATION


def test_weights_of_another_scale_are_drift() -> None:
    assert ("all_topic_fav_7_weight", "drift") in broken("weights-in-percent")


def test_one_outlier_among_the_weights_is_no_drift() -> None:
    assert broken("an-outlier") == set()


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_weights_that_are_no_finite_numbers_break_the_schema() -> None:
    weights = "all_topic_fav_7_weight"
    assert broken("weights-not-numbers", None) == {(weights, "FLOAT_TYPE_HAS_NAN"), (weights, "FLOAT_TYPE_HAS_INF")}
    assert ("all_topic_fav_7", "drift") in broken("weights-not-numbers")


def test_empty_cells_of_a_required_column_break_the_schema() -> None:
    findings, _ = checked("required-cells-empty")
    [finding] = [finding for finding in findings if not finding.passed]
    assert (finding.feature, finding.measure) == ("topic_id", "FEATURE_TYPE_LOW_FRACTION_PRESENT")
    assert "minimum fraction = 1.0" in finding.detail


def test_another_click_rate_is_drift() -> None:
    assert broken("more-clicks") == {("act", "drift")}


def test_a_day_without_clicks_is_found_on_a_cold_start() -> None:
    assert broken("no-clicks", None) == {("act", "FEATURE_TYPE_LOW_UNIQUE")}


def test_a_label_that_is_neither_0_nor_1_is_found() -> None:
    assert ("act", "INT_TYPE_BIG_INT") in broken("label-of-2")


def test_a_token_outside_of_a_closed_domain_is_found() -> None:
    found = broken("unknown-client", bounds=DataBounds(domains={"client_type": ("0", "1")}))
    assert found == {("client_type", "ENUM_TYPE_UNEXPECTED_STRING_VALUES")}


def test_too_few_rows_are_found() -> None:
    assert ("(rows)", "COMPARATOR_LOW_NUM_EXAMPLES") in broken("few-rows")
    assert ("(rows)", "DATASET_LOW_NUM_EXAMPLES") in broken("few-rows", None, DataBounds(min_rows=101))
    assert broken("no-rows", None) == {("(rows)", "NO_DATA_IN_SPAN")}


def test_label_skew_against_the_judging_split_is_a_warning_unless_told_otherwise() -> None:
    findings, _ = checked("today", None, "more-clicks")
    [finding] = [finding for finding in findings if not finding.passed]
    assert (finding.feature, finding.measure, finding.verdict) == ("act", "skew", "warning")
    findings, _ = checked("today", None, "more-clicks", DataBounds(tolerated=()))
    assert [finding.verdict for finding in findings if not finding.passed] == ["SEVERE"]


def test_a_bound_of_a_single_feature_takes_the_place_of_the_general_one() -> None:
    assert broken("one-topic-takes-over", bounds=DataBounds(max_change_of={"topic_id": 0.5})) == set()


def test_what_is_tolerated_is_a_warning() -> None:
    for tolerated in ("topic_id", "drift", "topic_id:drift"):
        findings, _ = checked("one-topic-takes-over", bounds=DataBounds(tolerated=(tolerated,)))
        assert [finding.verdict for finding in findings if not finding.passed] == ["warning"]
