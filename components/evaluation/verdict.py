"""The evaluation in TFMA's own files, and TFMA's own verdict on it."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from google.protobuf import json_format, wrappers_pb2
from tensorflow_model_analysis.evaluators import metrics_validator
from tensorflow_model_analysis.metrics import metric_types
from tensorflow_model_analysis.proto import config_pb2, metrics_for_slice_pb2, validation_result_pb2
from tensorflow_model_analysis.slicer import slicer_lib
from tensorflow_model_analysis.writers.metrics_plots_and_validations_writer import CombineValidations

from components.evaluation.checks import Check
from components.evaluation.metrics import Measure, SliceMetrics
from components.evaluation.models import BASELINE, CANDIDATE
from components.evaluation.sums import OVERALL, Slice

SIGNATURE = "serve_examples"
_COUNTS = ("rows", "clients", "skipped_clients", "click_rate")
_NAMES = {"rows": "example_count"}
_MINUS = "_minus_"
_METRICS, _VALIDATIONS, _CONFIG = (
    "metrics-00000-of-00001.tfrecord",
    "validations-00000-of-00001.tfrecord",
    "eval_config.json",
)

Metrics = Mapping[Slice, SliceMetrics]


def eval_config(label: str, models: Sequence[str], slices: Sequence[str], held_to: Sequence[Check]) -> config_pb2.EvalConfig:
    """TFMA's configuration: the models, the columns of the slices, and the bounds as thresholds on all rows."""
    thresholds: dict[str, config_pb2.MetricThreshold] = {}
    for check in held_to:
        _set_threshold(thresholds.setdefault(check.key, config_pb2.MetricThreshold()), check)
    overall = config_pb2.SlicingSpec()
    return config_pb2.EvalConfig(
        model_specs=[
            config_pb2.ModelSpec(name=name, signature_name=SIGNATURE, label_key=label, is_baseline=name == BASELINE)
            for name in models
        ],
        slicing_specs=[overall, *(config_pb2.SlicingSpec(feature_keys=[column]) for column in slices)],
        metrics_specs=[
            config_pb2.MetricsSpec(
                model_names=[CANDIDATE],
                per_slice_thresholds={
                    name: config_pb2.PerSliceMetricThresholds(
                        thresholds=[config_pb2.PerSliceMetricThreshold(slicing_specs=[overall], threshold=threshold)]
                    )
                    for name, threshold in thresholds.items()
                },
            )
        ],
    )


def _set_threshold(threshold: config_pb2.MetricThreshold, check: Check) -> None:
    limit = wrappers_pb2.DoubleValue(value=check.limit)
    lower = check.end == "lower"
    if check.other == BASELINE:
        direction = config_pb2.MetricDirection
        threshold.change_threshold.CopyFrom(
            config_pb2.GenericChangeThreshold(
                absolute=limit, direction=direction.HIGHER_IS_BETTER if lower else direction.LOWER_IS_BETTER
            )
        )
    else:
        end = {"lower_bound": limit} if lower else {"upper_bound": limit}
        threshold.value_threshold.CopyFrom(config_pb2.GenericValueThreshold(**end))


def validate(
    overall: SliceMetrics, config: config_pb2.EvalConfig, held_to: Sequence[Check]
) -> validation_result_pb2.ValidationResult:
    """TFMA's verdict on the metrics of all rows. What could not be measured breaks its bound; without bounds all is well."""
    values = {_key(check): getattr(measured(overall, check), check.end) for check in held_to}
    result = metrics_validator.validate_metrics(((), values), config)
    combined = CombineValidations(config, rubber_stamp=not held_to)
    return combined.extract_output(combined.add_input(combined.create_accumulator(), result))


def measured(metrics: SliceMetrics, check: Check) -> Measure:
    """What a check holds to its limit; NaN if it was not measured."""
    nothing = Measure(*[float("nan")] * 3)
    of_model = metrics.differences.get(check.other, {}) if check.other else metrics.models[CANDIDATE]
    return of_model.get(check.metric, nothing)


def _key(check: Check) -> metric_types.MetricKey:
    return metric_types.MetricKey(
        name=check.key, model_name=CANDIDATE, is_diff=check.other == BASELINE, example_weighted=None
    )


def write_evaluation(
    uri: str,
    metrics: Metrics,
    held_to: Sequence[Check],
    config: config_pb2.EvalConfig,
    validation: validation_result_pb2.ValidationResult,
    data: str,
    models: Mapping[str, str],
) -> None:
    """Writes what TFMA's own functions read: `tfma.load_eval_result`, `load_metrics` and `load_validation_result`."""
    tf.io.gfile.makedirs(uri)
    with tf.io.TFRecordWriter(os.path.join(uri, _METRICS)) as writer:
        for key, of_slice in metrics.items():
            writer.write(_to_proto(key, of_slice, held_to if key == OVERALL else ()).SerializeToString())
    with tf.io.TFRecordWriter(os.path.join(uri, _VALIDATIONS)) as writer:
        writer.write(validation.SerializeToString())
    run = config_pb2.EvalRun(
        eval_config=config,
        version=tfma.VERSION_STRING,
        data_location=data,
        file_format="tfrecords_gzip",
        model_locations=models,
    )
    with tf.io.gfile.GFile(os.path.join(uri, _CONFIG), "w") as file:
        file.write(json_format.MessageToJson(run))


def _to_proto(key: Slice, metrics: SliceMetrics, held_to: Sequence[Check]) -> metrics_for_slice_pb2.MetricsForSlice:
    proto = metrics_for_slice_pb2.MetricsForSlice(slice_key=slicer_lib.serialize_slice_key((key,) if key[0] else ()))

    def add(name: str, model: str, value: float, is_diff: bool = False) -> Any:
        one = proto.metric_keys_and_values.add()
        one.key.CopyFrom(metric_types.MetricKey(name=name, model_name=model, is_diff=is_diff).to_proto())
        one.value.double_value.value = value
        return one

    def add_measure(name: str, model: str, measure: Measure, is_diff: bool = False) -> None:
        one = add(name, model, measure.value, is_diff)
        if measure.lower == measure.lower:
            one.confidence_interval.lower_bound.double_value.value = measure.lower
            one.confidence_interval.upper_bound.double_value.value = measure.upper

    for field in _COUNTS:
        add(_NAMES.get(field, field), "", float(getattr(metrics, field)))
    for model, measures in metrics.models.items():
        for name, measure in measures.items():
            add_measure(name, model, measure)
    for other, measures in metrics.differences.items():
        for name, measure in measures.items():
            is_diff = other == BASELINE
            add_measure(name if is_diff else f"{name}{_MINUS}{other}", CANDIDATE, measure, is_diff)
    for check in held_to:
        add(check.key, CANDIDATE, getattr(measured(metrics, check), check.end), check.other == BASELINE)
    return proto


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What the evaluator has written.

    Args:
        metrics: What was measured, by slice; `OVERALL` is all rows.
        failed: The keys of the bounds that do not hold, by TFMA's verdict, and whether they are differences to the baseline.
        holds: TFMA's verdict on the model.
    """

    metrics: Metrics
    failed: frozenset[tuple[str, bool]]
    holds: bool

    @property
    def overall(self) -> SliceMetrics:
        return self.metrics[OVERALL]

    @property
    def has_baseline(self) -> bool:
        return BASELINE in self.overall.models

    def fails(self, check: Check) -> bool:
        """Whether TFMA has found that a bound does not hold."""
        return (check.key, check.other == BASELINE) in self.failed


def read_evaluation(uri: str) -> Evaluation:
    """Reads what the evaluator has written to `uri`."""
    validation = tfma.load_validation_result(uri)
    failures = [failure for one in validation.metric_validations_per_slice for failure in one.failures]
    return Evaluation(
        dict(_from_proto(proto) for proto in tfma.load_metrics(uri)),
        frozenset((failure.metric_key.name, failure.metric_key.is_diff) for failure in failures),
        validation.validation_ok,
    )


def _from_proto(proto: metrics_for_slice_pb2.MetricsForSlice) -> tuple[Slice, SliceMetrics]:
    counts: dict[str, float] = {}
    models: dict[str, dict[str, Measure]] = {}
    differences: dict[str, dict[str, Measure]] = {}
    for model, name, is_diff, measure in _measures(proto):
        metric, _, other = name.partition(_MINUS)
        if not model:
            counts[name] = measure.value
        elif is_diff or other:
            differences.setdefault(BASELINE if is_diff else other, {})[metric] = measure
        else:
            models.setdefault(model, {})[metric] = measure
    rows, clients, skipped, rate = (counts[_NAMES.get(field, field)] for field in _COUNTS)
    column, value = next(iter(slicer_lib.deserialize_slice_key(proto.slice_key)), OVERALL)
    return (column, str(value)), SliceMetrics(int(rows), int(clients), int(skipped), rate, models, differences)


def _measures(proto: metrics_for_slice_pb2.MetricsForSlice) -> Iterator[tuple[str, str, bool, Measure]]:
    """The model, the name, whether it is a difference to the baseline, and the measure; but not what bounds are held to."""
    for one in proto.metric_keys_and_values:
        if not one.key.name.endswith(("_lower", "_upper")):
            interval = one.confidence_interval
            ends = [
                end.double_value.value if interval.HasField(name) else float("nan")
                for name, end in (("lower_bound", interval.lower_bound), ("upper_bound", interval.upper_bound))
            ]
            measure = Measure(one.value.double_value.value, *ends)
            yield one.key.model_name, one.key.name, one.key.is_diff, measure
