"""Exact AUC, with ties counted half, and the AUC of item popularity: the baseline that knows nothing of the user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from transform.features import DECLARATION


def auc_from_counts(counts: Mapping[float, Sequence[int]]) -> float:
    """The area under the ROC curve from the number of negatives and positives at each distinct score.

    Args:
        counts: score -> (negatives, positives).

    Returns:
        P(score of a positive > score of a negative) + P(equal) / 2, or nan when a class is missing.
    """
    negatives_below, concordant, positives_all = 0, 0.0, 0
    for score in sorted(counts):
        negatives, positives = int(counts[score][0]), int(counts[score][1])
        concordant += positives * (negatives_below + negatives / 2)
        negatives_below += negatives
        positives_all += positives
    if not negatives_below or not positives_all:
        return float("nan")
    return concordant / (negatives_below * positives_all)


def auc(scores: npt.ArrayLike, labels: npt.ArrayLike) -> float:
    """The area under the ROC curve of scores against labels 0 and 1; nan when a class is missing."""
    values, inverse = np.unique(np.asarray(scores, np.float64), return_inverse=True)
    positive = np.asarray(labels, np.int64) == 1
    if positive.shape != inverse.shape:
        raise ValueError(f"`labels` must have the shape of `scores`, {inverse.shape}. Received: {positive.shape}.")
    positives = np.bincount(inverse[positive], minlength=len(values))
    negatives = np.bincount(inverse[~positive], minlength=len(values))
    return auc_from_counts({float(v): (int(n), int(p)) for v, n, p in zip(values, negatives, positives, strict=True)})


def popularity_auc(
    train_rows: Iterable[Mapping[str, str]],
    eval_rows: Iterable[Mapping[str, str]],
    *,
    item_column: str = "keyword_id",
    smoothing: float = 10.0,
) -> float:
    """The AUC on `eval_rows` of each item's smoothed click rate over `train_rows` only.

    score(item) = (clicks + smoothing * prior) / (rows + smoothing), prior = the click rate over all train rows; an item
    without train rows scores the prior.

    Args:
        train_rows: Rows as column name -> cell, read once.
        eval_rows: Rows as column name -> cell, read once.
        item_column: The column that identifies the item.
        smoothing: How many rows the prior weighs. Must be positive.

    Returns:
        The AUC, or nan when `eval_rows` lack a class.
    """
    if smoothing <= 0:
        raise ValueError(f"`smoothing` must be positive. Received: {smoothing!r}.")
    label = DECLARATION.label
    seen: dict[str, list[int]] = {}
    for row in train_rows:
        seen.setdefault(row[item_column], [0, 0])[int(row[label])] += 1
    total = sum(negatives + positives for negatives, positives in seen.values())
    if not total:
        raise ValueError("`train_rows` must hold at least one row. Received: none.")
    prior = sum(positives for _, positives in seen.values()) / total
    counts: dict[float, list[int]] = {}
    for row in eval_rows:
        negatives, positives = seen.get(row[item_column], (0, 0))
        score = (positives + smoothing * prior) / (negatives + positives + smoothing)
        counts.setdefault(score, [0, 0])[int(row[label])] += 1
    return auc_from_counts(counts)
