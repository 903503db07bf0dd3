"""Drift and skew: how far the features of a split are from those of a reference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.data_bounds import DataBounds
from components.example_validator.distributions import Distribution
from components.example_validator.findings import Finding
from components.example_validator.noise import divergence_noise, share_noise
from components.example_validator.pairs import Pair, pair

DRIFT: Literal["drift"] = "drift"
SKEW: Literal["skew"] = "skew"
NEW_TOKENS = "new_tokens"
MISSING = "missing"

Distributions = Mapping[str, Distribution]


def compare(
    kind: Literal["drift", "skew"],
    split: str,
    current: Distributions,
    reference: Distributions,
    label: str,
    bounds: DataBounds,
) -> tuple[list[Finding], anomalies_pb2.Anomalies]:
    """Compares the distributions of two samples by TFDV's Jensen-Shannon divergence.

    Args:
        kind: `DRIFT` or `SKEW`; says which bounds and which comparator.
        split: The split that `current` is of.
        current: The features' distributions.
        reference: Those of the previous span, or of the other split. Features without values on either side are left out.
        label: The label's name.
        bounds: The bounds.

    Returns:
        A finding for each feature, and TFDV's anomalies.
    """
    pairs: dict[str, Pair] = {}
    schema = schema_pb2.Schema()
    for name, one in current.items():
        other = reference.get(name)
        if other is None or not one.comparable or not other.comparable:
            continue
        pairs[name] = pair(one, other)
        feature = schema.feature.add(name=name, type=schema_pb2.BYTES)
        comparator = feature.drift_comparator if kind == DRIFT else feature.skew_comparator
        noise = divergence_noise(pairs[name].groups, one.size, other.size)
        comparator.jensen_shannon_divergence.threshold = min(1.0, _bound(kind, name, label, bounds) + noise)
    grouped = [
        statistics_pb2.DatasetFeatureStatisticsList(
            datasets=[statistics_pb2.DatasetFeatureStatistics(num_examples=_rows(side), features=features)]
        )
        for side, features in (
            (current, [one.statistics for one in pairs.values()]),
            (reference, [one.reference for one in pairs.values()]),
        )
    ]
    control = "previous_statistics" if kind == DRIFT else "serving_statistics"
    anomalies = tfdv.validate_statistics(grouped[0], schema, **{control: grouped[1]})
    findings = []
    for info in anomalies.drift_skew_info:
        name = info.path.step[0]
        for measured in info.drift_measurements if kind == DRIFT else info.skew_measurements:
            passed = measured.value <= measured.threshold
            tolerated = bounds.tolerates(name, kind)
            detail = pairs[name].detail
            findings.append(Finding(split, name, kind, measured.value, measured.threshold, passed, tolerated, detail))
    return findings, anomalies


def compare_coverage(
    split: str, current: Distributions, previous: Distributions, label: str, bounds: DataBounds
) -> list[Finding]:
    """Compares what TFDV has no comparator for: the share of empty cells, and that of tokens unheard of.

    Args:
        split: The split that the distributions are of.
        current: The features' distributions.
        previous: Those of the previous span.
        label: The label's name.
        bounds: The bounds.
    """
    findings = []
    for name, one in current.items():
        other = previous.get(name)
        if other is None or name == label or not one.rows or not other.rows:
            continue
        both = (one.missing * one.rows + other.missing * other.rows) / (one.rows + other.rows)
        noise = share_noise(both, one.rows * one.independent, other.rows * other.independent)
        change = abs(one.missing - other.missing)
        bound = min(1.0, bounds.max_missing_change + noise)
        detail = f"{other.missing:.1%} to {one.missing:.1%} of the rows have no value"
        findings.append(
            Finding(split, name, MISSING, change, bound, change <= bound, bounds.tolerates(name, MISSING), detail)
        )
        if not one.counts or not other.counts:
            continue
        new = {token: count / one.values for token, count in one.counts.items() if token not in other.counts}
        share = min(1.0, sum(new.values()))
        expected = min(1.0, other.expected_new)
        bound = min(1.0, expected + (1.0 - expected) * bounds.max_new_tokens + share_noise(expected, one.size, other.size))
        passed = share <= bound
        most = sorted(new, key=lambda token: (-new[token], token))[:3]
        detail = f"such as {', '.join(map(repr, most))}" if most else ""
        tolerated = bounds.tolerates(name, NEW_TOKENS)
        findings.append(Finding(split, name, NEW_TOKENS, share, bound, passed, tolerated, detail))
    return findings


def _bound(kind: str, name: str, label: str, bounds: DataBounds) -> float:
    default = bounds.max_label_change if name == label else bounds.max_drift if kind == DRIFT else bounds.max_skew
    return bounds.max_change_of.get(name, default)


def _rows(side: Distributions) -> int:
    return next((one.rows for one in side.values()), 0)
