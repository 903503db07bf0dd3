"""What metrics are held to, and TFMA's verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.evaluation import metrics as m
from components.evaluation.bounds import Bounds
from components.evaluation.checks import checks
from components.evaluation.metrics import SliceMetrics, measure
from components.evaluation.models import BASELINE, CANDIDATE, CONSTANT, ITEMS, LOGISTIC
from components.evaluation.sums import OVERALL, Rows, Sums
from components.evaluation.verdict import eval_config, validate

MODELS = (CANDIDATE, BASELINE, CONSTANT, ITEMS, LOGISTIC)
NOTHING: dict[str, Any] = {"min_auc": 0, "min_gauc": 0, "max_auc_drop": 1, "max_gauc_drop": 1}
NOTHING |= {"min_gain_over_constant": None, "min_gain_over_items": None}


def judged(count: int, models: tuple[str, ...] = MODELS, better: float = 1.0, **scores: np.ndarray) -> SliceMetrics:
    """Metrics of a candidate that is right more often the larger `better` is, and of others that are less so."""
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 1, count)
    labels = (rng.random(count) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    noise = {CANDIDATE: 0.5 / better, BASELINE: 0.6, ITEMS: 2.0, LOGISTIC: 0.7}
    made = {name: 1 / (1 + np.exp(-(logit + rng.normal(0, size, count)))) for name, size in noise.items()}
    made[CONSTANT] = np.full(count, 0.5)
    sums = Sums(models, (), 100, 0)
    sums.add(Rows(rng.integers(0, count // 20, count), labels, {n: made[n].astype(np.float32) for n in models}, {}))
    return measure(sums.of[OVERALL], CANDIDATE, 0.95)


def failed(metrics: SliceMetrics, **bounds: Any) -> set[tuple[str, bool]]:
    """The bounds that TFMA finds broken; it must find the whole broken if there is one, and only then."""
    held_to = checks(Bounds(**bounds), BASELINE in metrics.models)
    result = validate(metrics, eval_config("act", list(metrics.models), [], held_to), held_to)
    found = {(f.metric_key.name, f.metric_key.is_diff) for one in result.metric_validations_per_slice for f in one.failures}
    assert result.validation_ok == (not found)
    return found


def test_a_good_model_holds_all_default_bounds() -> None:
    assert failed(judged(4000)) == set()


def test_a_bound_holds_the_end_of_the_interval_and_not_the_value() -> None:
    metrics = judged(400)
    auc = metrics.models[CANDIDATE][m.AUC]
    assert auc.lower < auc.value - 0.02
    assert failed(metrics, **NOTHING | {"min_auc": auc.value - 0.01}) == {("auc_lower", False)}
    assert failed(metrics, **NOTHING | {"min_auc": auc.lower - 1e-9}) == set()


@pytest.mark.parametrize(
    ("bounds", "key"),
    [
        ({"min_auc": 0.99}, ("auc_lower", False)),
        ({"min_gauc": 0.99}, ("gauc_lower", False)),
        ({"max_auc_drop": 0.0}, ("auc_lower", True)),
        ({"max_gauc_drop": 0.0}, ("gauc_lower", True)),
        ({"max_log_loss_rise": 0.0}, ("log_loss_upper", True)),
        ({"min_gain_over_constant": 0.5}, ("log_loss_minus_constant_upper", False)),
        ({"min_gain_over_items": 0.5}, ("gauc_minus_item_click_rate_lower", False)),
        ({"min_gain_over_logistic": 0.5}, ("gauc_minus_logistic_regression_lower", False)),
        ({"max_miscalibration": 0.0001}, ("calibration_upper", False)),
    ],
)
def test_each_bound_alone_refuses(bounds: dict[str, float], key: tuple[str, bool]) -> None:
    """The candidate is worse than the baseline here."""
    assert key in failed(judged(2000, better=0.5), **NOTHING | bounds)


def test_a_bound_and_a_change_of_the_same_metric_are_told_apart() -> None:
    metrics = judged(2000, better=0.5)
    assert failed(metrics, **NOTHING | {"min_auc": 0.5, "max_auc_drop": 0.0}) == {("auc_lower", True)}
    assert failed(metrics, **NOTHING | {"min_auc": 0.99, "max_auc_drop": 0.9}) == {("auc_lower", False)}


def test_without_a_baseline_there_is_nothing_to_fall_short_of() -> None:
    bounds = NOTHING | {"max_auc_drop": 0.0, "max_gauc_drop": 0.0}
    assert failed(judged(2000, better=0.5), **bounds) == {("auc_lower", True), ("gauc_lower", True)}
    assert failed(judged(2000, (CANDIDATE, CONSTANT, ITEMS), better=0.5), **bounds) == set()


def test_what_was_not_measured_breaks_its_bound() -> None:
    metrics = judged(2000, (CANDIDATE, CONSTANT, ITEMS))
    assert failed(metrics, min_gain_over_logistic=-1.0) == {("gauc_minus_logistic_regression_lower", False)}


def test_without_bounds_all_is_well() -> None:
    assert failed(judged(400, better=0.1), **NOTHING) == set()
