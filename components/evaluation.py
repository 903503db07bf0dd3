"""What the Evaluator measures, by which slices, and what it has found."""

from __future__ import annotations

import dataclasses

import tensorflow_model_analysis as tfma
from google.protobuf import wrappers_pb2
from tensorflow_model_analysis.proto import config_pb2

from components.model_bounds import Bounds
from transform.declaration import Declaration

SIGNATURE = "serve_examples"
AUC = "auc"
LOG_LOSS = "binary_crossentropy"
EXAMPLE_COUNT = "example_count"


def eval_config(declaration: Declaration, bounds: Bounds) -> config_pb2.EvalConfig:
    """AUC and log loss, overall and by each sliced column; bounds on the overall AUC and on its change."""
    overall = config_pb2.SlicingSpec()
    threshold = config_pb2.MetricThreshold(
        value_threshold=config_pb2.GenericValueThreshold(lower_bound=wrappers_pb2.DoubleValue(value=bounds.min_auc)),
        change_threshold=config_pb2.GenericChangeThreshold(
            direction=config_pb2.MetricDirection.HIGHER_IS_BETTER,
            absolute=wrappers_pb2.DoubleValue(value=-bounds.max_auc_drop),
        ),
    )
    metrics = [
        config_pb2.MetricConfig(class_name="ExampleCount"),
        config_pb2.MetricConfig(class_name="BinaryCrossEntropy", config=f'"name": "{LOG_LOSS}"'),
        config_pb2.MetricConfig(
            class_name="AUC",
            config=f'"name": "{AUC}"',
            # A plain `threshold` would hold every slice to the bound, and the small ones fail by chance.
            per_slice_thresholds=[config_pb2.PerSliceMetricThreshold(slicing_specs=[overall], threshold=threshold)],
        ),
    ]
    return config_pb2.EvalConfig(
        model_specs=[config_pb2.ModelSpec(signature_name=SIGNATURE, label_key=declaration.label)],
        slicing_specs=[
            overall,
            *(config_pb2.SlicingSpec(feature_keys=[column]) for column in declaration.slices),
        ],
        metrics_specs=[config_pb2.MetricsSpec(metrics=metrics)],
    )


@dataclasses.dataclass(frozen=True)
class Check:
    """One bound, the measured value, and whether it holds."""

    name: str
    value: float
    bound: float

    @property
    def passed(self) -> bool:
        return self.value >= self.bound


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """The overall metrics of a model, those of its slices by `column=value`, and the bounds it was held to."""

    rows: int
    auc: float
    log_loss: float
    slices: dict[str, dict[str, float]]
    checks: tuple[Check, ...]


def read_evaluation(uri: str, bounds: Bounds) -> Evaluation:
    """Reads what the Evaluator wrote to `uri`."""
    names = [spec.name for spec in tfma.load_eval_result(uri).config.model_specs if not spec.is_baseline]
    slices: dict[str, dict[str, float]] = {}
    for key, outputs in tfma.load_eval_result(uri, model_name=names[0]).slicing_metrics:
        metrics = outputs[""][""]
        label = ", ".join(f"{column}={value}" for column, value in key)
        slices[label] = {name: metric["doubleValue"] for name, metric in metrics.items() if "doubleValue" in metric}
    overall = slices.pop("")
    checks = [Check("AUC", overall[AUC], bounds.min_auc)]
    if (change := overall.get(f"{AUC}_diff")) is not None:
        checks.append(Check("AUC against the last blessed model", change, -bounds.max_auc_drop))
    return Evaluation(int(overall[EXAMPLE_COUNT]), overall[AUC], overall[LOG_LOSS], slices, tuple(checks))
