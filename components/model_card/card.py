"""What stands in a model card."""

from __future__ import annotations

import importlib.metadata
import json
import math
import os
import platform
from collections.abc import Mapping, Sequence
from typing import Any

from tfx.dsl.io import fileio

from components.evaluation.bounds import Bounds
from components.evaluation.checks import checks
from components.evaluation.executor import LOGISTIC_ROWS, TRAIN_CLICK_RATE, TRAIN_ROWS
from components.evaluation.metrics import Measure, SliceMetrics
from components.evaluation.models import CANDIDATE
from components.evaluation.sums import OVERALL
from components.evaluation.verdict import Evaluation, measured
from components.example_gen.reports import REJECTED_PREFIX, ROWS_READ, ROWS_REJECTED, ROWS_USED
from components.example_gen.rules import RULES
from components.properties import (
    DATA_NAME,
    DATA_ROOT,
    DECLARATION,
    EVAL_SPAN,
    FAILED_BOUNDS,
    FORCED,
    JUDGED_BY,
    SPAN_NAME,
    STOPPING_ROWS,
    TRAIN_SPANS,
    VERSION,
    AnyArtifact,
    number,
    text,
)

FORMAT = 1
_LIBRARIES = (
    "tensorflow",
    "keras",
    "tfx",
    "tensorflow-transform",
    "tensorflow-model-analysis",
    "tensorflow-data-validation",
    "apache-beam",
    "ml-metadata",
    "numpy",
    "scikit-learn",
)

Artifacts = Mapping[str, Sequence[AnyArtifact]]


def make_card(
    artifacts: Artifacts,
    evaluation: Evaluation,
    bounds: Bounds,
    settings: Mapping[str, Any],
    fingerprints: Mapping[str, str],
    oov: Mapping[str, float],
    features: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """A model's card, as JSON has it: numbers that were not measured are null.

    Args:
        artifacts: The artifacts that the model came from and was judged by, by the keys of the component's inputs.
        evaluation: What the evaluator has written.
        bounds: What the model was held to.
        settings: What lies beside the model: the settings that it was trained and exported with.
        fingerprints: Those of the code, by node.
        oov: By column, the share of the judging tokens that is out of vocabulary.
        features: The declared columns.
    """
    (model,), (dataset,) = artifacts["model"], artifacts["dataset"]
    (evaluated,), (blessing,) = artifacts["evaluation"], artifacts["blessing"]
    window, anchor = artifacts.get("window", ()), artifacts["span"]
    trained = [_span(one) for one in window or anchor]
    card = {
        "format": FORMAT,
        "model": {"uri": model.uri, "id": model.id},
        "data": {
            "root": text(dataset, DATA_ROOT),
            "name": text(dataset, DATA_NAME),
            "trained_on": [name for name in text(dataset, TRAIN_SPANS).split(",") if name],
            "judged_on": text(dataset, EVAL_SPAN),
            "judged_by": text(dataset, JUDGED_BY),
            "train_rows": number(evaluated, TRAIN_ROWS),
            "stopping_rows": number(dataset, STOPPING_ROWS),
            "judging_rows": evaluation.overall.rows,
            "train_click_rate": _float_property(evaluated, TRAIN_CLICK_RATE),
            "judging_click_rate": evaluation.overall.click_rate,
            "spans": trained + [_span(one) for one in anchor if window],
            "out_of_vocabulary": dict(oov),
        },
        "features": {"fingerprint": text(dataset, DECLARATION), "columns": list(features)},
        "code": dict(fingerprints),
        "settings": {**settings, "bounds": bounds.to_dict()},
        "metrics": _metrics(evaluation.overall),
        "slices": [
            {"column": column, "value": value, **_metrics(of_slice)}
            for (column, value), of_slice in sorted(evaluation.metrics.items())
            if (column, value) != OVERALL
        ],
        "logistic_rows": number(evaluated, LOGISTIC_ROWS),
        "verdict": _verdict(evaluation, bounds, blessing),
        "environment": environment(),
        "lineage": [_row(key, one) for key, found in artifacts.items() for one in found],
    }
    plain: dict[str, Any] = _plain(card)
    return plain


def read_settings(model_dir: str) -> dict[str, Any]:
    """What an exported model tells of its settings."""
    path = os.path.join(model_dir, "assets.extra", "settings.json")
    if not fileio.exists(path):
        return {}
    with fileio.open(path) as file:
        settings: dict[str, Any] = json.loads(file.read())
    return settings


def environment() -> dict[str, str]:
    """What runs here: Python, the machine's C library, and the libraries that numbers depend on."""
    versions = {"python": platform.python_version(), "glibc": platform.libc_ver()[1], "machine": platform.machine()}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def _span(examples: AnyArtifact) -> dict[str, Any]:
    rejected = {rule.id: count for rule in RULES if (count := number(examples, REJECTED_PREFIX + rule.id))}
    return {
        "span": text(examples, SPAN_NAME),
        "version": number(examples, VERSION),
        "rows_read": number(examples, ROWS_READ),
        "rows_used": number(examples, ROWS_USED),
        "rows_rejected": number(examples, ROWS_REJECTED),
        "rejected_by_rule": rejected,
    }


def _metrics(of: SliceMetrics) -> dict[str, Any]:
    return {
        "rows": of.rows,
        "clients": of.clients,
        "skipped_clients": of.skipped_clients,
        "click_rate": of.click_rate,
        "models": {name: _measures(measures) for name, measures in of.models.items()},
        "differences": {name: _measures(measures) for name, measures in of.differences.items()},
    }


def _measures(measures: Mapping[str, Measure]) -> dict[str, Any]:
    return {name: {"value": one.value, "lower": one.lower, "upper": one.upper} for name, one in measures.items()}


def _verdict(evaluation: Evaluation, bounds: Bounds, blessing: AnyArtifact) -> dict[str, Any]:
    held_to = []
    for check in checks(bounds, evaluation.has_baseline):
        one = measured(evaluation.overall, check)
        held_to.append(
            {
                "metric": check.metric,
                "against": check.other,
                "title": check.title,
                "end": check.end,
                "limit": check.limit,
                "value": one.value,
                "lower": one.lower,
                "upper": one.upper,
                "holds": not evaluation.fails(check),
            }
        )
    return {
        "blessed": number(blessing, "blessed") == 1,
        "bounds_hold": evaluation.holds,
        "has_baseline": evaluation.has_baseline,
        "bounds": held_to,
        "forced": text(blessing, FORCED),
        "failed_bounds": [name for name in text(blessing, FAILED_BOUNDS).split(",") if name],
        "judged_model": CANDIDATE,
    }


def _row(key: str, artifact: AnyArtifact) -> dict[str, Any]:
    row: Any = getattr(artifact, "mlmd_artifact", artifact)
    kind = getattr(artifact, "type_name", "") or row.type
    return {"as": key, "type": kind, "id": row.id, "uri": row.uri, "made": int(row.create_time_since_epoch)}


def _float_property(artifact: AnyArtifact, name: str) -> float:
    row: Any = getattr(artifact, "mlmd_artifact", artifact)
    return float(row.custom_properties[name].double_value) if name in row.custom_properties else math.nan


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, dict):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value
