"""The evaluator on real exported models: what it measures, what it is held to, and what it says on the blessing."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow_model_analysis as tfma
from sklearn.metrics import log_loss, roc_auc_score

from components.evaluation import metrics as m
from components.evaluation.executor import LOGISTIC_ROWS, TRAIN_CLICK_RATE, TRAIN_ROWS
from components.evaluation.judging import KNOWN_CLIENT, length_of
from components.evaluation.kept_bounds import read_bounds
from components.evaluation.models import BASELINE, CANDIDATE, CONSTANT, ITEMS, LOGISTIC
from components.evaluation.score_counts import bin_logits, read_score_counts
from components.evaluation.simple_models import SMOOTHING
from components.properties import FAILED_BOUNDS, FORCED, number, text
from components.report.attention import contrasts
from components.report.importance import importances, permuted_together
from components.report.sample import Served, draw
from tests.components.evaluation.world import JUDGED, Judged, World, make_world
from transform.features import DECLARATION

pytestmark = pytest.mark.slow

# Little data: what it takes to be surely better than simple models is not asked where another bound is.
NO_SIMPLE = {"min_gain_over_constant": None, "min_gain_over_items": None}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def first(world: World, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """The first run: there is no baseline; and no need to force anything."""
    return world.evaluate(tmp_path_factory.mktemp("first"), force_publication="to be sure")


@pytest.fixture(scope="module")
def worse(world: World, tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """An untrained model against the trained one; only the comparison can refuse it."""
    return world.evaluate(
        tmp_path_factory.mktemp("worse"), "poor", "good", min_auc=0, min_gauc=0, logistic_rows=100, **NO_SIMPLE
    )


def values(judged: Judged, model: str) -> dict[str, float]:
    return {name: one.value for name, one in judged.evaluation.overall.models[model].items()}


def gauc(rows: list[dict[str, str]], scores: np.ndarray) -> float:
    labels = np.array([int(row["act"]) for row in rows])
    clients = np.array([row["client_id"] for row in rows])
    own = [clients == client for client in np.unique(clients)]
    ranked = [chosen for chosen in own if len(set(labels[chosen])) == 2]
    return sum(c.sum() * roc_auc_score(labels[c], scores[c]) for c in ranked) / sum(c.sum() for c in ranked)


def test_the_model_is_measured_on_what_the_exported_model_answers(world: World, first: Judged) -> None:
    labels = [int(row["act"]) for row in world.judge]
    got = values(first, CANDIDATE)
    assert got[m.AUC] == pytest.approx(roc_auc_score(labels, world.scores), abs=1e-4)
    assert got[m.GAUC] == pytest.approx(gauc(world.judge, world.scores), abs=1e-4)
    assert got[m.LOG_LOSS] == pytest.approx(log_loss(labels, world.scores), abs=1e-5)
    assert got[m.CALIBRATION] == pytest.approx(world.scores.sum() / sum(labels), abs=1e-5)
    assert first.evaluation.overall.rows == JUDGED


def test_simple_models_are_trained_on_the_rows_that_train(world: World, first: Judged) -> None:
    rate = np.mean([int(row["act"]) for row in world.train])
    labels = [int(row["act"]) for row in world.judge]
    assert values(first, CONSTANT)[m.LOG_LOSS] == pytest.approx(log_loss(labels, np.full(JUDGED, rate)), abs=1e-6)

    def item(row: dict[str, str]) -> tuple[str, ...]:
        return row["post_type"], row["topic_id"], row["keyword_id"]

    of_item: dict[tuple[str, ...], list[int]] = {}
    for row in world.train:
        of_item.setdefault(item(row), []).append(int(row["act"]))
    known = [of_item.get(item(row), []) for row in world.judge]
    scores = np.array([(sum(acts) + SMOOTHING * rate) / (len(acts) + SMOOTHING) for acts in known])
    assert values(first, ITEMS)[m.GAUC] == pytest.approx(gauc(world.judge, scores), abs=1e-6)
    assert values(first, ITEMS)[m.LOG_LOSS] == pytest.approx(log_loss(labels, scores), abs=1e-6)
    assert values(first, LOGISTIC)[m.AUC] > 0.55
    assert first.artifact.get_float_custom_property(TRAIN_CLICK_RATE) == pytest.approx(rate)
    assert number(first.artifact, TRAIN_ROWS) == number(first.artifact, LOGISTIC_ROWS) == len(world.train)


def test_slices_that_have_enough_rows_are_measured(world: World, first: Judged) -> None:
    trained = {row["client_id"] for row in world.train}
    by_slice: dict[tuple[str, str], int] = {}
    for row in world.judge:
        length = len(row["hist_topic_id"].split(",")) if row["hist_topic_id"] else 0
        for key in (
            ("client_type", row["client_type"]),
            ("post_type", row["post_type"]),
            (length_of("history"), "0" if not length else "1-4" if length < 5 else "5-19"),
            (KNOWN_CLIENT, "yes" if row["client_id"] in trained else "no"),
        ):
            by_slice[key] = by_slice.get(key, 0) + 1
    enough = {key: count for key, count in by_slice.items() if count >= 200}
    assert 2 < len(enough) < len(by_slice)
    measured = {key: one.rows for key, one in first.evaluation.metrics.items() if key != ("", "")}
    assert measured == enough


def test_the_first_model_is_blessed_and_the_blessing_tells_what_tfx_tells(world: World, first: Judged) -> None:
    assert first.evaluation.holds
    assert not first.evaluation.has_baseline
    assert number(first.blessing, "blessed") == 1
    assert (Path(first.blessing.uri) / "BLESSED").exists()
    assert text(first.blessing, "current_model") == str(world.good)
    assert number(first.blessing, "current_model_id") == 1
    assert not text(first.blessing, FORCED)


def test_tfma_reads_the_evaluation(first: Judged) -> None:
    result = tfma.load_eval_result(first.artifact.uri, model_name=CANDIDATE)
    of_slice = {key: metrics[""][""] for key, metrics in result.slicing_metrics}
    own = first.evaluation.overall.models[CANDIDATE][m.GAUC]
    expected = {"value": own.value, "lowerBound": own.lower, "upperBound": own.upper}
    assert of_slice[()][m.GAUC]["boundedValue"] == pytest.approx(expected)
    assert of_slice[()]["example_count"]["doubleValue"] == JUDGED
    assert tfma.load_validation_result(first.artifact.uri).validation_ok


def test_a_worse_model_fails_the_bounds_against_the_baseline_and_no_other(world: World, worse: Judged) -> None:
    assert worse.evaluation.failed == {("auc_lower", True), ("gauc_lower", True)}
    assert number(worse.blessing, "blessed") == 0
    assert (Path(worse.blessing.uri) / "NOT_BLESSED").exists()
    assert text(worse.blessing, "baseline_model") == str(world.good)
    assert number(worse.artifact, LOGISTIC_ROWS) == 100
    both = worse.evaluation.overall.models
    drop = both[CANDIDATE][m.AUC].value - both[BASELINE][m.AUC].value
    assert worse.evaluation.overall.differences[BASELINE][m.AUC].value == pytest.approx(drop)


def test_a_forced_publication_is_recorded_with_its_reason_and_the_bounds_that_fail(world: World, tmp_path: Path) -> None:
    """An untrained model breaks the default bounds, and goes out all the same."""
    forced = world.evaluate(tmp_path, "poor", force_publication="the old one is gone", logistic_rows=0)
    assert forced.failed >= {"auc_lower", "log_loss_minus_constant_upper"}
    assert not forced.evaluation.holds
    assert number(forced.blessing, "blessed") == 1
    assert text(forced.blessing, FORCED) == "the old one is gone"
    assert set(text(forced.blessing, FAILED_BOUNDS).split(",")) == forced.failed
    assert LOGISTIC not in forced.evaluation.overall.models


def test_a_model_that_was_judged_by_rows_of_one_label_is_refused(world: World, tmp_path: Path) -> None:
    clicks = [row for row in world.judge if row["act"] == "1"]
    judged = world.evaluate(tmp_path, judge=clicks)
    assert math.isnan(judged.evaluation.overall.models[CANDIDATE][m.AUC].value)
    assert judged.failed >= {"auc_lower", "gauc_lower"}
    assert number(judged.blessing, "blessed") == 0


def test_the_scores_are_counted_by_label_as_finely_as_curves_are_drawn(world: World, first: Judged) -> None:
    counts = read_score_counts(first.artifact.uri)
    assert counts is not None
    own = counts.models[CANDIDATE]
    labels = np.array([int(row["act"]) for row in world.judge])
    assert own.sum(axis=0).tolist() == [(labels == 0).sum(), (labels == 1).sum()]
    logits = np.log(world.scores / (1 - world.scores))
    assert own[:, 1] @ bin_logits() / labels.sum() == pytest.approx(logits[labels == 1].mean(), abs=1 / 32)
    bounds = read_bounds(first.artifact.uri)
    assert bounds is not None
    assert bounds.force_publication == "to be sure"


def test_what_a_feature_is_worth_follows_from_the_model(world: World, tmp_path: Path) -> None:
    """Labels follow the scores here, so that what moves the scores is worth something, and an ignored column nothing."""
    world.evaluate(tmp_path)
    sample = draw([str(path) for path in sorted(tmp_path.glob("examples/Split-eval/*"))], DECLARATION, 800)
    distinct = {row["client_id"] for row in world.judge}
    assert 800 <= len(sample) < JUDGED
    assert len(np.unique(sample.clients)) < len(distinct)
    # Clients are whole.
    sizes = sorted(np.bincount(sample.clients).tolist())
    of_clients = [sum(row["client_id"] == client for row in world.judge) for client in distinct]
    assert set(sizes) <= set(of_clients)
    with contextlib.closing(Served(str(world.good / "Format-Serving"))) as served:
        worth = {one.feature: one for one in importances(served, sample, DECLARATION)}
        again = {one.feature: one for one in importances(served, sample, DECLARATION)}
        same = dataclasses.replace(sample, columns={**sample.columns, "post_type": np.full(len(sample), b"1", object)})
        constant = {one.feature: one for one in importances(served, same, DECLARATION)}
    assert worth == again
    assert set(worth) == {name for name, _, _ in permuted_together(DECLARATION)}
    assert worth["history"].columns == ("hist_topic_id", "hist_keyword_id")
    assert max(one.log_loss for one in worth.values()) > 0.01
    assert constant["post_type"].log_loss == constant["post_type"].auc == 0


def test_two_candidates_light_the_past_as_the_signature_explains_it(world: World, tmp_path: Path) -> None:
    world.evaluate(tmp_path)
    sample = draw([str(path) for path in sorted(tmp_path.glob("examples/Split-eval/*"))], DECLARATION, JUDGED)
    with contextlib.closing(Served(str(world.good / "Format-Serving"))) as served:
        found = contrasts(served, sample, DECLARATION, 2)
    assert 2 == len(found.contrasts) <= found.looked_at
    for one in found.contrasts:
        assert one.weights.shape == (len(one.past), 2)
        assert one.weights.sum(axis=0) == pytest.approx([1, 1], abs=1e-3)
        assert one.candidates[0].cells != one.candidates[1].cells
        rows = [row for row in world.judge if all(row[name] == cell for name, cell in one.candidates[0].cells.items())]
        assert one.candidates[0].clicked in {row["act"] == "1" for row in rows}
        # The newest comes first.
        newest = one.past[0]["hist_topic_id"]
        assert any(row["hist_topic_id"].split(",")[-1] == newest for row in world.judge if row["hist_topic_id"])
