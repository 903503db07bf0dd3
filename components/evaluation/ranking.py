"""How well the rows of each group are ranked: AUC, and NDCG of the first few."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

NDCG_DEPTH = 10
_DISCOUNTS = 1 / np.log2(np.arange(NDCG_DEPTH) + 2)

Floats = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class GroupRanking:
    """By group, [groups] each: AUC and NDCG@10; NaN for a group that has no rows of one of the classes."""

    auc: Floats
    ndcg: Floats


def rank_groups(groups: npt.NDArray[np.int64], labels: npt.ArrayLike, scores: npt.ArrayLike, size: int) -> GroupRanking:
    """Ranks the rows of each group by their scores.

    Equal scores count half for AUC; for NDCG each of them gains the mean of their positions, as any order of them is as good
    (McSherry and Najork, Computing Information Retrieval Performance Measures Efficiently in the Presence of Tied Scores,
    ECIR 2008).

    Args:
        groups: The group of each row, 0 to `size` - 1, [rows].
        labels: 0 or 1, [rows].
        scores: Any numbers, [rows].
        size: The number of groups.
    """
    values = np.asarray(scores)
    order = np.lexsort((values, groups))
    group, value = groups[order], values[order]
    positive = np.asarray(labels, np.float64)[order]
    rows = np.bincount(group, minlength=size)
    first = np.concatenate([[0], np.cumsum(rows)])
    starts = np.ones(len(order), bool)
    starts[1:] = (group[1:] != group[:-1]) | (value[1:] != value[:-1])
    tie = np.cumsum(starts) - 1
    tied = np.bincount(tie)
    tie_start = np.flatnonzero(starts)
    # Ranks from 1 within the group, the mean of those that are tied.
    rank = (tie_start + (tied - 1) / 2)[tie] - first[group] + 1
    positives = np.bincount(group, positive, size)
    negatives = rows - positives
    from_top = first[group + 1] - 1 - np.arange(len(order))
    discount = np.zeros(len(order))
    shown = from_top < NDCG_DEPTH
    discount[shown] = _DISCOUNTS[from_top[shown]]
    gain = (np.bincount(tie, discount) / tied)[tie]
    best = np.concatenate([[0], np.cumsum(_DISCOUNTS)])[np.minimum(positives, NDCG_DEPTH).astype(int)]
    with np.errstate(divide="ignore", invalid="ignore"):
        auc = (np.bincount(group, positive * rank, size) - positives * (positives + 1) / 2) / (positives * negatives)
        ndcg = np.where(negatives > 0, np.bincount(group, positive * gain, size) / best, np.nan)
    return GroupRanking(auc, ndcg)
