"""The summary's lines of the model: how good it is, beside what, and which bounds it holds."""

from __future__ import annotations

import math
from collections.abc import Iterator

from components.evaluation.checks import OTHERS, Check, checks
from components.evaluation.executor import LOGISTIC_ROWS, TRAIN_CLICK_RATE, TRAIN_ROWS
from components.evaluation.metrics import (
    AUC,
    CALIBRATION,
    CALIBRATION_ERROR,
    GAUC,
    LOG_LOSS,
    NDCG,
    NORMALIZED_ENTROPY,
    Measure,
    SliceMetrics,
)
from components.evaluation.models import CANDIDATE, LOGISTIC
from components.evaluation.sums import OVERALL
from components.evaluation.verdict import Evaluation, measured, read_evaluation
from components.lineage import why_no_baseline
from components.properties import EVAL_SPAN, FORCED, number, text
from pipeline.config import RunConfig
from pipeline.results import Artifact, RunRecord
from pipeline.window_summary import WARNING, Line

_RANKING = {AUC: "AUC", GAUC: "GAUC", NDCG: "NDCG@10"}
_PROBABILITY = {
    LOG_LOSS: "log loss",
    NORMALIZED_ENTROPY: "normalised entropy",
    CALIBRATION: "calibration",
    CALIBRATION_ERROR: "calibration error",
}
_BESIDE = {AUC: "AUC", GAUC: "GAUC", LOG_LOSS: "log loss", CALIBRATION: "calibration"}


def quality_lines(config: RunConfig, run: RunRecord) -> Iterator[Line]:
    """The metrics with their intervals, all models beside each other, the slices, and the verdict."""
    artifact = run.one("evaluator", "evaluation")
    evaluation = read_evaluation(artifact.uri)
    overall = evaluation.overall
    if "trainer" in run.cached:
        yield "Trained", "before: the data, the code and the settings are those of an earlier run"
    own = overall.models[CANDIDATE]
    yield "Quality", f"on {_rows(overall)}: {_intervals(own, _RANKING)}"
    yield "", _intervals(own, _PROBABILITY)
    skipped = f"{overall.skipped_clients} of {overall.clients} clients"
    yield "", f"GAUC and NDCG leave out {skipped}, all of whose rows are of one label"
    rate = artifact.custom_properties[TRAIN_CLICK_RATE].double_value
    yield "", f"click rate {overall.click_rate:.4f}; of the rows that train {rate:.4f}"
    for model, measures in overall.models.items():
        if model != CANDIDATE:
            yield "", f"{OTHERS[model]}: {_values(measures)}{_sampled(artifact) if model == LOGISTIC else ''}"
    for (column, value), of_slice in sorted(evaluation.metrics.items()):
        if (column, value) != OVERALL:
            yield "", f"{column}={value}: {_values(of_slice.models[CANDIDATE])}; {_rows(of_slice)}"
    yield from _verdict(config, run, evaluation)


def _verdict(config: RunConfig, run: RunRecord, evaluation: Evaluation) -> Iterator[Line]:
    blessing = run.one("evaluator", "blessing")
    blessed = number(blessing, "blessed") == 1
    forced = text(blessing, FORCED)
    yield "Blessed", ("yes" if blessed else "no") if not forced else "yes, by force: not all bounds hold"
    if forced:
        yield WARNING, f"FORCE_PUBLICATION: {forced}"
    held_to = checks(config.bounds, evaluation.has_baseline)
    for check in held_to:
        yield "", _check(evaluation, check)
    if not held_to:
        yield "", "no bound is set"
    if not evaluation.has_baseline:
        yield "", "no earlier blessed model of this data to compare with"
    yield from _passed_over(run)


def _check(evaluation: Evaluation, check: Check) -> str:
    """A bound, and TFMA's verdict on it."""
    verdict = "FAILS" if evaluation.fails(check) else "holds"
    measure = measured(evaluation.overall, check)
    most = "at least" if check.end == "lower" else "at most"
    shown = _signed(measure) if not math.isnan(getattr(measure, check.end)) else "cannot be measured"
    return f"{check.title}: {shown}, must surely be {most} {check.limit:+.4f}: {verdict}"


def _passed_over(run: RunRecord) -> Iterator[Line]:
    """Why the newest blessed model is not the one that this one was compared with."""
    for model in run.all("latest_blessed_model", "passed_over"):
        reason = why_no_baseline(model, run.one("trainer", "model"))
        judged = text(model, EVAL_SPAN)
        which = f"the last blessed model, judged on {judged}," if judged else "the last blessed model"
        yield "", f"{which} is no measure: {reason or 'by what the metadata store tells of it'}"


def _sampled(evaluation: Artifact) -> str:
    rows, all_rows = number(evaluation, LOGISTIC_ROWS), number(evaluation, TRAIN_ROWS)
    return f", trained on {rows} of {all_rows} rows" if rows < all_rows else ""


def _rows(metrics: SliceMetrics) -> str:
    return f"{metrics.rows} rows of {metrics.clients} clients"


def _values(measures: dict[str, Measure]) -> str:
    return ", ".join(f"{title} {_value(measures[name].value)}" for name, title in _BESIDE.items())


def _intervals(measures: dict[str, Measure], titles: dict[str, str]) -> str:
    return ", ".join(f"{title} {_interval(measures[name])}" for name, title in titles.items())


def _interval(measure: Measure) -> str:
    if math.isnan(measure.lower):
        return _value(measure.value)
    return f"{measure.value:.4f} [{measure.lower:.4f}, {measure.upper:.4f}]"


def _value(value: float) -> str:
    return "not measured" if math.isnan(value) else f"{value:.4f}"


def _signed(measure: Measure) -> str:
    return f"{measure.value:+.4f} [{measure.lower:+.4f}, {measure.upper:+.4f}]"
