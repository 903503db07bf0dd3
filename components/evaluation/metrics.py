"""Metrics and their intervals, of sums over clients."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from components.evaluation.sums import CALIBRATION_BINS, ModelSums, SliceSums

AUC = "auc"
GAUC = "gauc"
NDCG = "ndcg_at_10"
LOG_LOSS = "log_loss"
NORMALIZED_ENTROPY = "normalized_entropy"
CALIBRATION = "calibration"
CALIBRATION_ERROR = "calibration_error"

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Measure:
    """A measured value and the ends of its interval; all of them NaN where there is nothing to measure."""

    value: float
    lower: float
    upper: float


@dataclasses.dataclass(frozen=True)
class SliceMetrics:
    """What was measured in a slice.

    Args:
        rows: The rows.
        clients: The clients.
        skipped_clients: Those that GAUC and NDCG skip: all their rows are of one label.
        click_rate: The share of label 1.
        models: By model, then by metric.
        differences: The same, the model in question minus another; calibration is left out.
    """

    rows: int
    clients: int
    skipped_clients: int
    click_rate: float
    models: dict[str, dict[str, Measure]]
    differences: dict[str, dict[str, Measure]]


def measure(sums: SliceSums, model: str, confidence: float) -> SliceMetrics:
    """Measures all models of a slice, and by how much one of them differs from each other one.

    Args:
        sums: The sums.
        model: The model in question.
        confidence: The share of the resamplings that an interval holds.
    """
    replicated = {name: _replicated(sums, of_model) for name, of_model in sums.models.items()}
    own = replicated[model]
    return SliceMetrics(
        int(sums.rows[0]),
        int(sums.clients[0]),
        int(sums.clients[0] - sums.ranked_clients[0]),
        float(sums.clicks[0] / sums.rows[0]) if sums.rows[0] else float("nan"),
        {name: _intervals(values, confidence) for name, values in replicated.items()},
        {
            name: _intervals({key: own[key] - other[key] for key in own if key != CALIBRATION}, confidence)
            for name, other in replicated.items()
            if name != model
        },
    )


def _intervals(replicated: Mapping[str, Floats], confidence: float) -> dict[str, Measure]:
    return {name: _interval(values, confidence) for name, values in replicated.items()}


def _interval(values: Floats, confidence: float) -> Measure:
    """The value, and between which values the middle share of the resamplings lies that could be measured, if most could."""
    known = values[1:][np.isfinite(values[1:])]
    if not np.isfinite(values[0]) or len(known) <= (len(values) - 1) / 2:
        return Measure(float(values[0]), float("nan"), float("nan"))
    lower, upper = np.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Measure(float(values[0]), float(lower), float(upper))


def _replicated(sums: SliceSums, model: ModelSums) -> dict[str, Floats]:
    """Each metric, [1 + resamplings]: first of the rows as they are, then of each resampling."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = sums.clicks / sums.rows
        entropy = -(rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
        log_loss = model.log_loss / sums.rows
        clicks = model.coarse[..., 1].reshape(len(rate), CALIBRATION_BINS, -1).sum(axis=2, dtype=np.float64)
        coarse = _auc(model.coarse)
        return {
            # Coarse bins tell how the AUC varies, fine ones what it is.
            AUC: coarse + (_auc(model.fine[None])[0] - coarse[0]),
            GAUC: model.auc / sums.ranked_rows,
            NDCG: model.ndcg / sums.ranked_clients,
            LOG_LOSS: log_loss,
            NORMALIZED_ENTROPY: log_loss / entropy,
            CALIBRATION: model.score / sums.clicks,
            CALIBRATION_ERROR: np.abs(model.binned_score - clicks).sum(axis=1) / sums.rows,
        }


def _auc(counts: npt.NDArray[np.number]) -> Floats:
    """AUC by rows of each bin and label, [..., bins, 2]; rows of the same bin count half."""
    negatives, positives = counts[..., 0].astype(np.float64), counts[..., 1].astype(np.float64)
    below = np.cumsum(negatives, axis=-1) - negatives / 2
    return (positives * below).sum(axis=-1) / (positives.sum(axis=-1) * negatives.sum(axis=-1))
