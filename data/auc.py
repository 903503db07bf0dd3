"""AUC of many rows of few scores, and that of item popularity: the baseline that knows nothing of the user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from transform.features import DECLARATION


def auc(scores: npt.ArrayLike, labels: npt.ArrayLike, rows: npt.ArrayLike | None = None) -> float:
    """scikit-learn's AUC; nan when a class is missing, where scikit-learn warns or raises.

    Args:
        scores: A score each.
        labels: Its label, 0 or 1.
        rows: How many rows it stands for. Defaults to one each.
    """
    from sklearn.metrics import roc_auc_score  # takes a second or two to import: --help should not wait for it

    labels = np.asarray(labels)
    present = labels if rows is None else labels[np.asarray(rows) > 0]
    return float(roc_auc_score(labels, scores, sample_weight=rows)) if len(np.unique(present)) == 2 else float("nan")


def auc_of_counts(counts: Mapping[float, Sequence[int]]) -> float:
    """The AUC of scores that each have a number of negatives and of positives."""
    rows = np.array(list(counts.values()), np.int64).reshape(-1, 2)
    return auc(np.repeat(list(counts), 2), np.tile([0, 1], len(counts)), rows.ravel())


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
    return auc_of_counts(counts)
