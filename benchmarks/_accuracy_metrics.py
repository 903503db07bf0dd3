"""How good scores are: over all rows, and within each client."""

from __future__ import annotations

import numpy as np

from data.auc import auc

METRICS = ("auc", "gauc", "log_loss", "calibration")


def measure(scores: np.ndarray, labels: np.ndarray, clients: np.ndarray) -> dict[str, float]:
    """AUC, GAUC, log loss and calibration (the mean score over the click rate) of scores [rows] in [0, 1]."""
    clipped = np.clip(scores.astype(np.float64), 1e-7, 1 - 1e-7)
    return {
        "auc": auc(scores, labels),
        "gauc": gauc(scores, labels, clients),
        "log_loss": float(-np.mean(np.where(labels == 1, np.log(clipped), np.log1p(-clipped)))),
        "calibration": float(scores.mean() / labels.mean()),
    }


def gauc(scores: np.ndarray, labels: np.ndarray, clients: np.ndarray) -> float:
    """The mean over clients of the AUC among a client's rows, weighted by their number; clients of one class are skipped."""
    order = np.argsort(clients, kind="stable")
    starts = np.flatnonzero(np.diff(clients[order], prepend=-1))
    total, weight = 0.0, 0
    for rows in np.split(order, starts[1:]):
        if 0 < labels[rows].sum() < len(rows):
            total += len(rows) * auc(scores[rows], labels[rows])
            weight += len(rows)
    return total / weight if weight else float("nan")
