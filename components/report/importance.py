"""Permutation importance: how much worse a model ranks when a feature is another row's."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from sklearn.metrics import roc_auc_score

from components.evaluation.ranking import rank_groups
from components.evaluation.sums import log_losses
from components.report.sample import Sample, Served
from transform.declaration import Declaration, History, Pretrained

SEED = 0


@dataclasses.dataclass(frozen=True)
class Importance:
    """What a feature is worth on the sample.

    Args:
        feature: Its name.
        columns: Its columns, which were permuted together.
        side: Whose it is: of the user, whose columns went between clients, or of the item.
        auc: How much AUC falls; NaN if it cannot be measured.
        gauc: The same of GAUC.
        log_loss: How much log loss rises.
    """

    feature: str
    columns: tuple[str, ...]
    side: str
    auc: float
    gauc: float
    log_loss: float


def importances(model: Served, sample: Sample, declaration: Declaration) -> list[Importance]:
    """The importance of each feature, the most important first.

    Args:
        model: The exported model.
        sample: The rows.
        declaration: The declared features.
    """
    if not len(sample):
        return []
    rng = np.random.default_rng(SEED)
    whole = _quality(sample, model.scores(sample.columns))
    found = []
    for name, columns, side in permuted_together(declaration):
        source = _between_clients(sample.clients, rng) if side == "user" else rng.permutation(len(sample))
        columns_of = {**sample.columns, **{column: sample.columns[column][source] for column in columns}}
        less = whole - _quality(sample, model.scores(columns_of))
        found.append(Importance(name, columns, side, less[0], less[1], -less[2]))
    return sorted(found, key=lambda one: -one.log_loss)


def permuted_together(declaration: Declaration) -> Iterator[tuple[str, tuple[str, ...], str]]:
    """The features, their columns and their sides: the aligned lists of a history stay together."""
    for feature in declaration.features:
        side = getattr(feature, "side", None)
        if side is not None and not isinstance(feature, Pretrained):
            yield feature.name, feature.columns if isinstance(feature, History) else (feature.name,), side


def _between_clients(clients: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """For each row a row of another client, [rows]; all rows of a client take from one other."""
    distinct, number, size = np.unique(clients, return_inverse=True, return_counts=True)
    order = rng.permutation(len(distinct))
    other = np.empty(len(distinct), np.int64)
    other[order] = np.roll(order, 1)
    rows = np.argsort(number, kind="stable")
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    source = other[number]
    return rows[first[source] + rng.integers(0, size[source])]


def _quality(sample: Sample, scores: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """AUC, GAUC and log loss, [3]."""
    labels = sample.labels.astype(np.float32)
    auc = float(roc_auc_score(labels, scores)) if 0 < labels.sum() < len(labels) else np.nan
    distinct, number = np.unique(sample.clients, return_inverse=True)
    ranked = rank_groups(number, labels, scores, len(distinct)).auc
    size = np.bincount(number)[np.isfinite(ranked)]
    gauc = float((ranked[np.isfinite(ranked)] * size).sum() / size.sum()) if len(size) else np.nan
    return np.array([auc, gauc, log_losses(labels, scores).mean()])
