"""The executor of Evaluator."""

from __future__ import annotations

import collections
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.evaluation.bounds import Bounds
from components.evaluation.checks import checks
from components.evaluation.judging import slice_columns
from components.evaluation.kept_bounds import write_bounds
from components.evaluation.metrics import AUC, measure
from components.evaluation.models import BASELINE, CANDIDATE
from components.evaluation.score_counts import ScoreCounts
from components.evaluation.scoring import (
    SIMPLE_MODELS,
    CountRows,
    ScoreRows,
    numbered,
    read_counts,
    read_parts,
    read_sample,
)
from components.evaluation.simple_models import SimpleModels, fit_logistic
from components.evaluation.sums import OVERALL, Slice, Sums
from components.evaluation.verdict import SIGNATURE, Metrics, eval_config, validate, write_evaluation
from components.properties import FAILED_BOUNDS, FORCED
from components.served_model import served_model
from transform.declaration import Declaration
from transform.features import DECLARATION

EXAMPLES = "examples"
MODEL = "model"
BASELINE_MODEL = "baseline_model"
EVALUATION = "evaluation"
BLESSING = "blessing"
TRAIN_SPLIT = "train_split"
JUDGE_SPLIT = "judge_split"
BOUNDS = "bounds"
# Of a ModelEvaluation: the click rate of the rows that train, their number, and how many of them train the logistic
# regression.
TRAIN_CLICK_RATE = "train_click_rate"
TRAIN_ROWS = "train_rows"
LOGISTIC_ROWS = "logistic_rows"
# Of a ModelEvaluation: the model's AUC, and the ends of its interval, where they could be measured.
AUC_OF = ("auc", "auc_lower", "auc_upper")

# The most values of a column that are slices: those of the most rows.
_VALUES = 20
_WORK = "work"

Artifacts = dict[str, list[types.Artifact]]
PipelineFactory = Callable[[], beam.Pipeline]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Judges the model beside its baseline and simple models, and blesses it if TFMA finds that the bounds hold."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        bounds = Bounds.from_json(exec_properties[BOUNDS])
        model = artifact_utils.get_single_instance(input_dict[MODEL])
        artifacts = {CANDIDATE: model}
        if input_dict.get(BASELINE_MODEL):
            artifacts[BASELINE] = artifact_utils.get_single_instance(input_dict[BASELINE_MODEL])
        paths = {
            name: path_utils.serving_model_path(one.uri, path_utils.is_old_model_artifact(one))
            for name, one in artifacts.items()
        }
        examples = input_dict[EXAMPLES]
        train, judge = (_files(examples, exec_properties[split]) for split in (TRAIN_SPLIT, JUDGE_SPLIT))
        evaluation = artifact_utils.get_single_instance(output_dict[EVALUATION])
        work = os.path.join(evaluation.uri, _WORK)
        _remove(work)
        fileio.makedirs(work)
        simple, sample = train_simple_models(train, paths[CANDIDATE], DECLARATION, bounds, work, self._make_beam_pipeline)
        metrics, counts = judge_models(judge, paths, simple, DECLARATION, bounds, work, self._make_beam_pipeline)
        _remove(work)
        served_model.cache_clear()
        held_to = checks(bounds, BASELINE in paths)
        config = eval_config(DECLARATION.label, [*paths, *simple.names], slice_columns(DECLARATION), held_to)
        validation = validate(metrics[OVERALL], config, held_to)
        write_evaluation(evaluation.uri, metrics, held_to, config, validation, examples[0].uri, paths)
        counts.write(evaluation.uri)
        write_bounds(evaluation.uri, bounds)
        evaluation.set_float_custom_property(TRAIN_CLICK_RATE, simple.counts.click_rate)
        evaluation.set_int_custom_property(TRAIN_ROWS, int(simple.counts.rows.sum()))
        evaluation.set_int_custom_property(LOGISTIC_ROWS, sample)
        auc = metrics[OVERALL].models[CANDIDATE][AUC]
        for name, value in zip(AUC_OF, (auc.value, auc.lower, auc.upper), strict=True):
            if not math.isnan(value):
                evaluation.set_float_custom_property(name, value)
        blessing = artifact_utils.get_single_instance(output_dict[BLESSING])
        forced = bounds.force_publication
        if forced is not None and not validation.validation_ok:
            failed = [one.metric_key.name for of in validation.metric_validations_per_slice for one in of.failures]
            blessing.set_string_custom_property(FORCED, forced)
            blessing.set_string_custom_property(FAILED_BOUNDS, ",".join(failed))
        _bless(blessing, artifacts, validation.validation_ok or forced is not None)


def train_simple_models(
    files: Sequence[str],
    model: str,
    declaration: Declaration,
    bounds: Bounds,
    folder: str,
    pipeline: PipelineFactory,
) -> tuple[SimpleModels, int]:
    """Trains the simple models on the rows that train.

    Args:
        files: The files of the rows.
        model: The exported model whose transformed features the logistic regression takes.
        declaration: The declared features.
        bounds: The settings.
        folder: An empty folder to work in.
        pipeline: Makes a Beam pipeline.

    Returns:
        The models, and the number of rows that the logistic regression was trained on.
    """
    with pipeline() as counting:
        _ = (
            counting
            | "Files" >> beam.Create(numbered(files))
            | "Spread" >> beam.Reshuffle()
            | "Count" >> beam.ParDo(CountRows(declaration, folder, bounds.logistic_rows))
        )
    counts = read_counts(folder, len(files))
    records = read_sample(folder, len(files), bounds.logistic_rows)
    if not records:
        return SimpleModels(counts), 0
    labels = tf.io.parse_example(records, {declaration.label: tf.io.FixedLenFeature([], tf.int64)})[declaration.label]
    batches = served_model(model, SIGNATURE).features(tf.constant(records))
    weights = fit_logistic(batches, labels.numpy(), declaration)
    return SimpleModels(counts, weights), len(records) if weights is not None else 0


def judge_models(
    files: Sequence[str],
    paths: Mapping[str, str],
    simple: SimpleModels,
    declaration: Declaration,
    bounds: Bounds,
    folder: str,
    pipeline: PipelineFactory,
) -> tuple[Metrics, ScoreCounts]:
    """Measures all models on the rows that judge: all of these rows, and each slice that has enough of them.

    Args:
        files: The files of the rows.
        paths: The exported models' folders, by name.
        simple: The simple models.
        declaration: The declared features.
        bounds: The settings.
        folder: A folder to work in.
        pipeline: Makes a Beam pipeline.

    Returns:
        What was measured by slice; of a slice of fewer rows than asked for, or of rows of one label, only counts are told.
        And how the scores of all rows are distributed.
    """
    with fileio.open(os.path.join(folder, SIMPLE_MODELS), "wb") as file:
        file.write(simple.to_bytes())
    with pipeline() as scoring:
        _ = (
            scoring
            | "Files" >> beam.Create(numbered(files))
            | "Spread" >> beam.Reshuffle()
            | "Score" >> beam.ParDo(ScoreRows(declaration, folder, paths, SIGNATURE))
        )
    sums = Sums([*paths, *simple.names], _slices(folder, bounds), bounds.resamplings, bounds.resampling_seed)
    for rows in read_parts(folder):
        sums.add(rows)
    metrics = {key: measure(of, CANDIDATE, bounds.confidence) for key, of in sums.of.items()}
    return metrics, ScoreCounts.of(sums.of[OVERALL])


def _slices(folder: str, bounds: Bounds) -> list[Slice]:
    """The slices that have enough rows, by column, the largest first."""
    counts: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for rows in read_parts(folder):
        for column, values in rows.slices.items():
            counts[column].update(values.tolist())
    return [
        (column, value)
        for column, of_value in counts.items()
        for value, count in sorted(of_value.items(), key=lambda item: (-item[1], item[0]))[:_VALUES]
        if count >= bounds.min_slice_rows
    ]


def _bless(blessing: types.Artifact, artifacts: Mapping[str, types.Artifact], blessed: bool) -> None:
    """Says on the blessing what TFX's evaluator says."""
    model, baseline = artifacts[CANDIDATE], artifacts.get(BASELINE)
    blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY, model.uri)
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY, model.id)
    if baseline is not None:
        blessing.set_string_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY, baseline.uri)
        blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY, baseline.id)
    value = constants.BLESSED_VALUE if blessed else constants.NOT_BLESSED_VALUE
    blessing.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, value)
    fileio.makedirs(blessing.uri)
    name = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
    with fileio.open(os.path.join(blessing.uri, name), "w") as file:
        file.write("")


def _files(examples: list[types.Artifact], split: str) -> list[str]:
    folders = artifact_utils.get_split_uris(examples, split)
    return [os.path.join(folder, name) for folder in folders for name in sorted(fileio.listdir(folder))]


def _remove(folder: str) -> None:
    if fileio.exists(folder):
        fileio.rmtree(folder)
