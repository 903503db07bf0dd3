"""The executor of ExampleValidator."""

from __future__ import annotations

import os
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.example_validator.executor import DEFAULT_FILE_NAME
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, writer_utils

from components import artifacts
from components.data_bounds import DataBounds
from components.example_validator.data_checks import SplitStatistics, check_split, data_schema
from components.example_validator.findings import Finding, Report
from components.properties import EXAMPLES_ID, OF_SPAN, SPAN_NAME, copy_properties
from transform.features import DECLARATION

SCHEMA = "schema.pbtxt"


class Executor(base_executor.BaseExecutor):
    """Checks the statistics of each split, and writes the anomalies and the report. It never raises for what it finds."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        bounds = DataBounds.from_json(exec_properties["bounds"])
        statistics = artifact_utils.get_single_instance(input_dict["statistics"])
        previous = next(iter(input_dict.get("previous_statistics") or []), None)
        output = output_dict["anomalies"]
        anomalies = artifact_utils.get_single_instance(output)
        anomalies.split_names = statistics.split_names
        anomalies.span = statistics.span
        findings: list[Finding] = []
        rows: dict[str, int] = {}
        for split in _splits(statistics):
            checked = _split_statistics(split, statistics, previous, exec_properties["judge_split"])
            rows[split] = checked.current.datasets[0].num_examples
            found, split_anomalies = check_split(checked, DECLARATION, bounds)
            findings += found
            path = os.path.join(artifact_utils.get_split_uri(output, split), DEFAULT_FILE_NAME)
            writer_utils.write_anomalies(path, split_anomalies)
        report = Report(_name(statistics), _name(previous) if previous else None, rows, tuple(findings))
        report.write(anomalies.uri)
        schema = text_format.MessageToString(data_schema(DECLARATION, bounds))
        io_utils.write_string_file(os.path.join(anomalies.uri, SCHEMA), schema)
        _describe(anomalies, statistics, report)


def _splits(statistics: types.Artifact) -> list[str]:
    return list(artifact_utils.decode_split_names(statistics.split_names))


def _name(statistics: types.Artifact) -> str:
    return str(statistics.get_string_custom_property(SPAN_NAME))


def _split_statistics(
    split: str, statistics: types.Artifact, previous: types.Artifact | None, judge_split: str
) -> SplitStatistics:
    def load(artifact: types.Artifact, of: str) -> statistics_pb2.DatasetFeatureStatisticsList:
        return stats_artifact_utils.load_statistics(artifact, of).proto()

    return SplitStatistics(
        split=split,
        current=load(statistics, split),
        previous=load(previous, split) if previous is not None and split in _splits(previous) else None,
        judge=load(statistics, judge_split) if split != judge_split and judge_split in _splits(statistics) else None,
    )


def _describe(anomalies: types.Artifact, statistics: types.Artifact, report: Report) -> None:
    """Sets the properties of the output."""
    copy_properties(statistics, anomalies, OF_SPAN)
    properties = {
        artifacts.STATISTICS_ID: statistics.id,
        EXAMPLES_ID: statistics.get_int_custom_property(EXAMPLES_ID),
        artifacts.COLD_START: int(report.previous_span is None),
        artifacts.SEVERE: len(report.severe),
        artifacts.WARNINGS: len(report.warnings),
    }
    for name, value in properties.items():
        anomalies.set_int_custom_property(name, value)
    anomalies.set_string_custom_property(artifacts.PREVIOUS_SPAN, report.previous_span or "")
