"""Every metric, its interval and its differences are what plain loops over the rows give."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from sklearn.metrics import log_loss, ndcg_score, roc_auc_score

from components.evaluation import metrics as m
from components.evaluation.metrics import SliceMetrics, measure
from components.evaluation.resampling import resampled
from components.evaluation.sums import OVERALL, Rows, Sums

MODELS = ("candidate", "baseline")
RESAMPLINGS = 40
SEED = 3


def random_rows(count: int = 3000, clients: int = 150, seed: int = 0) -> Rows:
    """Rows of clients of unequal activity; the candidate's scores are better, the baseline's have many ties."""
    rng = np.random.default_rng(seed)
    client = (rng.random(count) ** 2 * clients).astype(np.int64)
    logit = rng.normal(-1, 1, count) + client / clients
    labels = (rng.random(count) < 1 / (1 + np.exp(-logit))).astype(np.float32)
    scores = {
        "candidate": (1 / (1 + np.exp(-logit - rng.normal(0, 0.5, count)))).astype(np.float32),
        "baseline": np.round(1 / (1 + np.exp(-logit - rng.normal(0, 2, count))), 1).astype(np.float32),
    }
    labels[client < 3] = 0
    hashes = rng.integers(-(2**62), 2**62, clients)
    return Rows(hashes[client], labels, scores, {"kind": np.where(rng.random(count) < 0.3, "a", "b")})


def part(rows: Rows, chosen: np.ndarray) -> Rows:
    return Rows(
        rows.clients[chosen],
        rows.labels[chosen],
        {name: scores[chosen] for name, scores in rows.scores.items()},
        {name: values[chosen] for name, values in rows.slices.items()},
    )


def resampling(rows: Rows, column: int) -> Rows:
    """The rows of a resampling, written out; a client that counts twice is two clients."""
    clients = np.unique(rows.clients)
    weights = resampled(clients, RESAMPLINGS, SEED)[:, column].astype(int)
    copies = []
    for client, weight in zip(clients, weights, strict=True):
        own = np.flatnonzero(rows.clients == client)
        copies += [(own, int(client) ^ (copy << 62)) for copy in range(weight)]
    chosen = np.concatenate([own for own, _ in copies])
    written = part(rows, chosen)
    names = np.concatenate([np.full(len(own), i) for i, (own, _) in enumerate(copies)])
    return Rows(names, written.labels, written.scores, written.slices)


def brute_force(rows: Rows, model: str) -> dict[str, float]:
    labels, scores = rows.labels, rows.scores[model].astype(np.float64)
    weighted, impressions, gains = 0.0, 0, []
    for client in np.unique(rows.clients):
        own = rows.clients == client
        if len(set(labels[own])) == 2:
            weighted += own.sum() * roc_auc_score(labels[own], scores[own])
            impressions += int(own.sum())
            gains.append(ndcg_score([labels[own]], [scores[own]], k=10))
    clipped = np.clip(scores, 1e-7, 1 - 1e-7)
    rate = float(labels.mean())
    entropy = -(rate * math.log(rate) + (1 - rate) * math.log(1 - rate))
    loss = log_loss(labels, clipped)
    edges = [-math.inf, *np.arange(-7.5, 8, 0.5), math.inf]
    logit = np.log(clipped / (1 - clipped))
    error = 0.0
    for low, high in itertools.pairwise(edges):
        inside = (logit >= low) & (logit < high)
        error += abs(scores[inside].sum() - labels[inside].sum())
    return {
        m.AUC: roc_auc_score(labels, scores),
        m.GAUC: weighted / impressions,
        m.NDCG: float(np.mean(gains)),
        m.LOG_LOSS: loss,
        m.NORMALIZED_ENTROPY: loss / entropy,
        m.CALIBRATION: scores.sum() / labels.sum(),
        m.CALIBRATION_ERROR: error / len(labels),
    }


def measured(*parts: Rows, slices: tuple[tuple[str, str], ...] = ()) -> dict[tuple[str, str], SliceMetrics]:
    sums = Sums(MODELS, slices, RESAMPLINGS, SEED)
    for rows in parts:
        sums.add(rows)
    return {one: measure(of, "candidate", 0.9) for one, of in sums.of.items()}


def test_each_metric_equals_its_definition() -> None:
    rows = random_rows()
    overall = measured(rows)[OVERALL]
    for model in MODELS:
        expected = brute_force(rows, model)
        got = {name: one.value for name, one in overall.models[model].items()}
        assert got == pytest.approx(expected, abs=2e-5)
        assert got[m.GAUC] == pytest.approx(expected[m.GAUC], abs=1e-12)
    one_class = sum(len(set(rows.labels[rows.clients == client])) == 1 for client in np.unique(rows.clients))
    assert one_class >= 3
    assert (overall.rows, overall.clients, overall.skipped_clients) == (3000, len(np.unique(rows.clients)), one_class)


@pytest.mark.slow
def test_an_interval_holds_the_resamplings_of_clients_and_differences_are_paired() -> None:
    rows = random_rows(800, 40)
    overall = measured(rows)[OVERALL]
    replicas = [resampling(rows, column) for column in range(1, RESAMPLINGS + 1)]
    by_model = {model: [brute_force(one, model) for one in replicas] for model in MODELS}
    for name, got in overall.models["candidate"].items():
        expected = np.quantile([one[name] for one in by_model["candidate"]], [0.05, 0.95])
        assert (got.lower, got.upper) == pytest.approx(expected, abs=6e-4), name
    for name, got in overall.differences["baseline"].items():
        both = zip(by_model["candidate"], by_model["baseline"], strict=True)
        expected = np.quantile([own[name] - other[name] for own, other in both], [0.05, 0.95])
        assert (got.lower, got.upper) == pytest.approx(expected, abs=6e-4), name


def test_a_slice_is_measured_as_if_there_were_no_other_rows() -> None:
    rows = random_rows()
    kind = measured(rows, slices=(("kind", "a"),))[("kind", "a")]
    alone = measured(part(rows, rows.slices["kind"] == "a"))[OVERALL]
    assert (kind.rows, kind.clients, kind.skipped_clients) == (alone.rows, alone.clients, alone.skipped_clients)
    for name, one in kind.models["candidate"].items():
        assert vars(one) == pytest.approx(vars(alone.models["candidate"][name]), rel=1e-5), name


def test_clients_may_come_in_any_parts_and_order() -> None:
    rows = random_rows()
    first = rows.clients % 3 == 0
    parts = [part(rows, np.flatnonzero(~first)[::-1]), part(rows, np.flatnonzero(first))]
    whole, split = measured(rows)[OVERALL], measured(*parts)[OVERALL]
    for model in MODELS:
        for name, one in whole.models[model].items():
            assert vars(split.models[model][name]) == pytest.approx(vars(one), rel=1e-5), name


def test_a_model_does_not_differ_from_itself() -> None:
    rows = random_rows()
    twins = Rows(rows.clients, rows.labels, dict.fromkeys(MODELS, rows.scores["candidate"]), rows.slices)
    for one in measured(twins)[OVERALL].differences["baseline"].values():
        assert (one.value, one.lower, one.upper) == (0, 0, 0)


def test_rows_of_one_label_have_no_auc_and_no_interval_of_it() -> None:
    rows = random_rows()
    overall = measured(part(rows, rows.labels == 1))[OVERALL]
    own = overall.models["candidate"]
    for name in (m.AUC, m.GAUC, m.NDCG):
        assert all(math.isnan(number) for number in vars(own[name]).values()), name
    assert own[m.LOG_LOSS].lower < own[m.LOG_LOSS].value < own[m.LOG_LOSS].upper
    assert overall.skipped_clients == overall.clients


@pytest.mark.parametrize("score", [-1.0, float("nan"), 1.5])
def test_a_score_that_is_no_probability_is_refused(score: float) -> None:
    with pytest.raises(ValueError, match=r"Scores of the model 'a' must be within \[0, 1\]\. Received: "):
        Rows(np.zeros(1, np.int64), np.zeros(1, np.float32), {"a": np.array([score], np.float32)}, {})


def test_a_client_counts_the_same_whoever_else_is_there() -> None:
    clients = np.random.default_rng(0).integers(-(2**62), 2**62, 20_000)
    weights = resampled(clients, 50, 0)
    assert (weights[:, 0] == 1).all()
    np.testing.assert_array_equal(resampled(clients[7:9], 50, 0), weights[7:9])
    drawn = weights[:, 1:]
    assert drawn.mean() == pytest.approx(1, abs=0.005)
    assert drawn.var() == pytest.approx(1, abs=0.01)
    assert np.abs(np.corrcoef(drawn.T) - np.eye(50)).max() < 0.05
    assert (resampled(clients, 50, 1)[:, 1:] != drawn).mean() > 0.5
