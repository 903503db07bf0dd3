"""The validator reports, the gate stops."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx.components.statistics_gen.stats_artifact_utils import BINARY_PB_BASENAME
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import ExampleAnomalies, ExampleStatistics

from components import validation_gate
from components.artifacts import DataBlessing
from components.data_bounds import DataBounds
from components.example_validator import executor as example_validator
from components.example_validator.findings import read_report
from components.validation_gate import BadDataError
from tests.components.validation_support import by_user, changed, day, statistics_in_memory
from tests.support import RawRow

Splits = Mapping[str, list[RawRow]]

YESTERDAY = by_user(day(2000, span=0))
TODAY = by_user(day(2000, span=1))
DRIFTED = {split: changed(rows, 0.5, lambda _: {"topic_id": "99"}) for split, rows in TODAY.items()}
DEFAULT = DataBounds()


def statistics(splits: Splits, folder: Path, span: str) -> ExampleStatistics:
    artifact = ExampleStatistics()
    artifact.uri = str(folder)
    artifact.split_names = artifact_utils.encode_split_names(list(splits))
    artifact.id = int(span[-2:])
    artifact.span = int(span[-2:])
    artifact.set_string_custom_property("span_name", span)
    artifact.set_int_custom_property("examples_id", 10 + artifact.id)
    for split, rows in splits.items():
        (folder / f"Split-{split}").mkdir(parents=True)
        (folder / f"Split-{split}" / BINARY_PB_BASENAME).write_bytes(statistics_in_memory(rows).SerializeToString())
    return artifact


def validated(folder: Path, today: Splits, yesterday: Splits | None, bounds: DataBounds = DEFAULT) -> ExampleAnomalies:
    """What the validator puts out about the two days."""
    previous = [statistics(yesterday, folder / "yesterday", "2026-01-01")] if yesterday else []
    current = [statistics(today, folder / "today", "2026-01-02")]
    anomalies = ExampleAnomalies()
    anomalies.uri = str(folder / "anomalies")
    example_validator.Executor().Do(
        {"statistics": current, "previous_statistics": previous},
        {"anomalies": [anomalies]},
        {"bounds": bounds.to_json(), "judge_split": "eval", "code_fingerprint": ""},
    )
    return anomalies


def gated(anomalies: ExampleAnomalies) -> DataBlessing:
    blessing = DataBlessing()
    validation_gate.Executor().Do({"anomalies": [anomalies]}, {"blessing": [blessing]}, {"code_fingerprint": ""})
    return blessing


def test_a_drifted_day_stops_the_run_with_the_feature_the_measure_the_value_and_the_bound(tmp_path: Path) -> None:
    anomalies = validated(tmp_path, DRIFTED, YESTERDAY)
    assert anomalies.get_int_custom_property("severe") == 2
    assert anomalies.get_int_custom_property("cold_start") == 0
    assert anomalies.get_string_custom_property("previous_span") == "2026-01-01"
    with pytest.raises(BadDataError) as error:
        gated(anomalies)
    finding = next(one for one in read_report(anomalies.uri).severe if one.split == "train")
    assert f"topic_id, train split: drift is {finding.value:.4g}, the bound {finding.bound:.4g}" in str(error.value)
    assert "Span 2026-01-02" in str(error.value)
    assert f"Report: {tmp_path}/anomalies/report.txt" in str(error.value)


def test_a_day_like_the_previous_one_passes_and_is_blessed(tmp_path: Path) -> None:
    blessing = gated(validated(tmp_path, TODAY, YESTERDAY))
    assert blessing.get_int_custom_property("span") == 2
    assert blessing.get_int_custom_property("statistics_id") == 2
    assert blessing.get_int_custom_property("examples_id") == 12


def test_a_first_span_passes_as_a_stated_cold_start(tmp_path: Path) -> None:
    anomalies = validated(tmp_path, DRIFTED, None)
    assert anomalies.get_int_custom_property("cold_start") == 1
    assert anomalies.get_string_custom_property("previous_span") == ""
    assert "cold start" in (tmp_path / "anomalies" / "report.txt").read_text()
    gated(anomalies)


def test_the_schema_is_checked_on_a_cold_start(tmp_path: Path) -> None:
    incomplete = {split: changed(rows, 0.05, lambda _: {"keyword_id": ""}) for split, rows in TODAY.items()}
    with pytest.raises(BadDataError, match="keyword_id, train split: FEATURE_TYPE_LOW_FRACTION_PRESENT"):
        gated(validated(tmp_path, incomplete, None))


def test_warnings_pass_the_gate_and_stand_in_the_report(tmp_path: Path) -> None:
    anomalies = validated(tmp_path, DRIFTED, YESTERDAY, DataBounds(tolerated=("topic_id:drift",)))
    assert anomalies.get_int_custom_property("warnings") == 2
    gated(anomalies)
    lines = (tmp_path / "anomalies" / "report.txt").read_text().splitlines()
    assert [line.split()[:4] for line in lines[4:6]] == [
        ["warning", "train", "topic_id", "drift"],
        ["warning", "eval", "topic_id", "drift"],
    ]


def test_anomalies_and_schema_are_written_for_tfdvs_tools(tmp_path: Path) -> None:
    validated(tmp_path, DRIFTED, YESTERDAY)
    path = tmp_path / "anomalies" / "Split-train" / "SchemaDiff.pb"
    anomalies = anomalies_pb2.Anomalies.FromString(path.read_bytes())
    assert list(anomalies.anomaly_info) == ["topic_id"]
    schema = text_format.Parse((tmp_path / "anomalies" / "schema.pbtxt").read_text(), schema_pb2.Schema())
    assert {feature.name for feature in schema.feature} >= {"act", "all_topic_fav_7_weight"}
