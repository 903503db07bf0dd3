"""All checks of one split: the schema, the rows, drift and skew."""

from __future__ import annotations

import dataclasses

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.data_bounds import DataBounds
from components.example_validator.comparison import DRIFT, SKEW, compare, compare_coverage
from components.example_validator.distributions import distributions
from components.example_validator.findings import DATASET, Finding
from transform.declaration import Declaration
from transform.schema import token_schema


@dataclasses.dataclass(frozen=True)
class SplitStatistics:
    """A split's statistics, and what they are compared with.

    Args:
        split: The split's name.
        current: Its statistics.
        previous: Those of the same split of the previous span, if there is one.
        judge: Those of the split that the model is judged by, unless this is the one.
    """

    split: str
    current: statistics_pb2.DatasetFeatureStatisticsList
    previous: statistics_pb2.DatasetFeatureStatisticsList | None
    judge: statistics_pb2.DatasetFeatureStatisticsList | None


def data_schema(declaration: Declaration, bounds: DataBounds) -> schema_pb2.Schema:
    """The schema of tokens, with the bounds on the number of rows."""
    schema = token_schema(declaration, bounds.domains)
    constraints = schema.dataset_constraints
    constraints.min_examples_count = bounds.min_rows
    constraints.num_examples_drift_comparator.min_fraction_threshold = bounds.min_rows_ratio
    return schema


def check_split(
    statistics: SplitStatistics, declaration: Declaration, bounds: DataBounds
) -> tuple[list[Finding], anomalies_pb2.Anomalies]:
    """Checks one split.

    Args:
        statistics: What is checked.
        declaration: The declared columns.
        bounds: The bounds.

    Returns:
        The findings, and the anomalies as TFDV's tools show them.
    """
    split, label = statistics.split, declaration.label
    anomalies = tfdv.validate_statistics(
        statistics.current, data_schema(declaration, bounds), previous_statistics=statistics.previous
    )
    findings = _schema_findings(split, anomalies, bounds)
    current = distributions(statistics.current, declaration)
    if statistics.previous is not None:
        previous = distributions(statistics.previous, declaration)
        drift, found = compare(DRIFT, split, current, previous, label, bounds)
        coverage = compare_coverage(split, current, previous, label, bounds)
        findings += [*drift, *coverage]
        _merge(found, anomalies)
        _add(coverage, anomalies)
    if statistics.judge is not None:
        skew, found = compare(SKEW, split, current, distributions(statistics.judge, declaration), label, bounds)
        findings += skew
        _merge(found, anomalies)
    return findings, anomalies


def _schema_findings(split: str, anomalies: anomalies_pb2.Anomalies, bounds: DataBounds) -> list[Finding]:
    """One finding for each of TFDV's reasons. A schema that holds is a finding, too."""
    infos = {name: info.reason for name, info in anomalies.anomaly_info.items()}
    if anomalies.HasField("dataset_anomaly_info"):
        infos[DATASET] = anomalies.dataset_anomaly_info.reason
    if anomalies.data_missing and not infos:
        reason = anomalies_pb2.AnomalyInfo.Reason(
            type=anomalies_pb2.AnomalyInfo.NO_DATA_IN_SPAN, description="The split has no rows."
        )
        infos[DATASET] = [reason]
    findings = []
    for name, reasons in sorted(infos.items()):
        for reason in reasons:
            measure = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            tolerated = bounds.tolerates(name, measure)
            findings.append(Finding(split, name, measure, None, None, False, tolerated, reason.description))
    if not findings:
        findings.append(Finding(split, DATASET, "schema", None, None, True, False, "types, presence, counts and domains"))
    return findings


def _merge(found: anomalies_pb2.Anomalies, into: anomalies_pb2.Anomalies) -> None:
    """Adds drift and skew to the anomalies of the schema."""
    into.drift_skew_info.extend(found.drift_skew_info)
    for name, info in found.anomaly_info.items():
        _add_reasons(name, info, into)


def _add(coverage: list[Finding], into: anomalies_pb2.Anomalies) -> None:
    for finding in coverage:
        if not finding.passed:
            info = anomalies_pb2.AnomalyInfo(severity=anomalies_pb2.AnomalyInfo.ERROR, description=str(finding))
            info.path.step.append(finding.feature)
            info.reason.add(
                type=anomalies_pb2.AnomalyInfo.CUSTOM_VALIDATION,
                short_description=finding.measure,
                description=str(finding),
            )
            _add_reasons(finding.feature, info, into)


def _add_reasons(name: str, info: anomalies_pb2.AnomalyInfo, into: anomalies_pb2.Anomalies) -> None:
    if name not in into.anomaly_info:
        into.anomaly_info[name].CopyFrom(info)
        return
    known = into.anomaly_info[name]
    known.reason.extend(info.reason)
    known.severity = max(known.severity, info.severity)
    known.short_description = "Multiple errors"
    known.description = " ".join(reason.description for reason in known.reason)
