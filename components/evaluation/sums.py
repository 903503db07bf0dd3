"""Sums over clients that all metrics are made of, for every slice, model and resampling at once.

Everything is a sum over clients, so that any number of rows is taken in one part of the clients after the other. What is
kept has a size of its own, whatever the number of rows: about 1 MB for a slice and model at 200 resamplings.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse

from components.evaluation.ranking import rank_groups
from components.evaluation.resampling import resampled

# A slice: its column and value; OVERALL is all rows.
Slice = tuple[str, str]
OVERALL: Slice = ("", "")

# Scores are counted by their logit: in fine steps for the AUC itself, in coarse ones for how it varies.
FINE_BINS, COARSE_BINS, CALIBRATION_BINS = 65_536, 512, 32
FINE_LIMIT, _COARSE_LIMIT = 16.0, 8.0
_LEAST_PROBABILITY = 1e-7

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Rows:
    """Judged rows.

    Args:
        clients: A hash of each row's client, int64 [rows].
        labels: 0 or 1, [rows].
        scores: The models' scores, float32 [rows] each.
        slices: For each column that rows are sliced by, each row's value, [rows] each.
    """

    clients: npt.NDArray[np.int64]
    labels: npt.NDArray[np.float32]
    scores: Mapping[str, npt.NDArray[np.float32]]
    slices: Mapping[str, npt.NDArray[np.str_]]

    def __post_init__(self) -> None:
        for model, scores in self.scores.items():
            wrong = scores[~((scores >= 0) & (scores <= 1))]
            if len(wrong):
                raise ValueError(f"Scores of the model {model!r} must be within [0, 1]. Received: {wrong[0]!r}.")


@dataclasses.dataclass
class ModelSums:
    """Of a model in a slice; the first axis is that of the resamplings, of which 0 is none.

    Args:
        log_loss: [1 + resamplings].
        score: The sum of the scores, [1 + resamplings].
        auc: Clients' AUC times rows, [1 + resamplings].
        ndcg: Clients' NDCG@10, [1 + resamplings].
        binned_score: The sum of the scores in each bin, [1 + resamplings, CALIBRATION_BINS].
        coarse: The rows of each bin and label, [1 + resamplings, COARSE_BINS, 2].
        fine: The same without resamplings, [FINE_BINS, 2].
    """

    log_loss: Floats
    score: Floats
    auc: Floats
    ndcg: Floats
    binned_score: npt.NDArray[np.float32]
    coarse: npt.NDArray[np.float32]
    fine: npt.NDArray[np.int64]


@dataclasses.dataclass
class SliceSums:
    """Of a slice, [1 + resamplings] each; and of each model in it.

    Args:
        rows: The rows.
        clicks: The rows of label 1.
        clients: The clients.
        ranked_clients: Those that have rows of both labels within the slice.
        ranked_rows: The rows of these.
        models: By model.
    """

    rows: Floats
    clicks: Floats
    clients: Floats
    ranked_clients: Floats
    ranked_rows: Floats
    models: dict[str, ModelSums]


class Sums:
    """What has been summed up so far.

    Args:
        models: The models' names.
        slices: The slices to sum up beside all rows.
        resamplings: The number of resamplings.
        seed: Their seed.
    """

    def __init__(self, models: Sequence[str], slices: Sequence[Slice], resamplings: int, seed: int) -> None:
        self._models, self._resamplings, self._seed = tuple(models), resamplings, seed
        self.of = {one: self._empty() for one in (OVERALL, *slices)}

    def add(self, rows: Rows) -> None:
        """Adds rows: all rows of each of their clients, once."""
        clients, client = np.unique(rows.clients, return_inverse=True)
        weights = resampled(clients, self._resamplings, self._seed)
        for (column, value), sums in self.of.items():
            if column:
                chosen = np.flatnonzero(rows.slices[column] == value)
                self._add(sums, rows, chosen, client[chosen], weights)
            else:
                self._add(sums, rows, np.arange(len(client)), client, weights)

    def _add(
        self,
        sums: SliceSums,
        rows: Rows,
        chosen: npt.NDArray[np.int64],
        client: npt.NDArray[np.int64],
        weights: npt.NDArray[np.float32],
    ) -> None:
        if not len(chosen):
            return
        labels, size = rows.labels[chosen], len(weights)
        count = np.bincount(client, minlength=size)
        clicks = np.bincount(client, labels, size)
        ranked = (clicks > 0) & (clicks < count)
        of_client = {
            "rows": count,
            "clicks": clicks,
            "clients": count > 0,
            "ranked_clients": ranked,
            "ranked_rows": count * ranked,
        }
        _add_weighted(sums, of_client, weights)
        for model in self._models:
            scores = rows.scores[model][chosen]
            of_model = sums.models[model]
            ranking = rank_groups(client, labels, scores, size)
            of_client = {
                "log_loss": np.bincount(client, log_losses(labels, scores), size),
                "score": np.bincount(client, scores, size),
                "auc": np.where(ranked, ranking.auc * count, 0),
                "ndcg": np.where(ranked, ranking.ndcg, 0),
            }
            _add_weighted(of_model, of_client, weights)
            logit = logits(scores)
            cell = _bins(logit, _COARSE_LIMIT, COARSE_BINS)
            steps = COARSE_BINS // CALIBRATION_BINS
            of_model.binned_score += _by_bin(cell // steps, client, scores, CALIBRATION_BINS, weights)
            counted = _by_bin(2 * cell + labels.astype(np.int64), client, np.ones_like(scores), 2 * COARSE_BINS, weights)
            of_model.coarse += counted.reshape(of_model.coarse.shape)
            fine = 2 * _bins(logit, FINE_LIMIT, FINE_BINS) + labels.astype(np.int64)
            of_model.fine += np.bincount(fine, minlength=2 * FINE_BINS).reshape(FINE_BINS, 2)

    def _empty(self) -> SliceSums:
        columns = self._resamplings + 1

        def zeros(*shape: int) -> npt.NDArray[np.float32]:
            return np.zeros((columns, *shape), np.float32)

        def counters(*names: str) -> dict[str, Any]:
            return {name: np.zeros(columns) for name in names}

        models = {
            model: ModelSums(
                **counters("log_loss", "score", "auc", "ndcg"),
                binned_score=zeros(CALIBRATION_BINS),
                coarse=zeros(COARSE_BINS, 2),
                fine=np.zeros((FINE_BINS, 2), np.int64),
            )
            for model in self._models
        }
        return SliceSums(**counters("rows", "clicks", "clients", "ranked_clients", "ranked_rows"), models=models)


def _add_weighted(
    sums: SliceSums | ModelSums, of_client: Mapping[str, npt.NDArray[np.generic]], weights: npt.NDArray[np.float32]
) -> None:
    """Adds to each named field its values by client, [clients], each as often as its client counts."""
    # One product for all of them: the weights are converted to its precision as a whole, each time.
    added = np.stack([values.astype(np.float64) for values in of_client.values()]) @ weights
    for name, one in zip(of_client, added, strict=True):
        setattr(sums, name, getattr(sums, name) + one)


def log_losses(labels: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]) -> Floats:
    """The log loss of each row; scores are kept 1e-7 from 0 and 1."""
    probabilities = np.clip(scores.astype(np.float64), _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return -np.log(np.where(labels > 0, probabilities, 1 - probabilities))


def logits(scores: npt.NDArray[np.float32]) -> Floats:
    """The logit of each score; infinite for 0 and 1."""
    with np.errstate(divide="ignore"):
        values = scores.astype(np.float64)
        return np.log(values) - np.log1p(-values)


def _bins(logit: Floats, limit: float, bins: int) -> npt.NDArray[np.int64]:
    """The bin of each logit, of `bins` equal ones from -limit to limit; what is beyond lies in the outermost."""
    inside = np.clip(logit, -limit, limit)
    return np.minimum(((inside + limit) * (bins / (2 * limit))).astype(np.int64), bins - 1)


def _by_bin(
    bins: npt.NDArray[np.int64],
    client: npt.NDArray[np.int64],
    values: npt.NDArray[np.float32],
    size: int,
    weights: npt.NDArray[np.float32],
) -> npt.NDArray[np.float32]:
    """The sum of values by bin, each as often as its client counts, [columns of `weights`, size]."""
    matrix = scipy.sparse.csr_matrix((values, (bins, client)), shape=(size, len(weights)))
    return np.asarray(matrix @ weights).T
