"""The simplest things that work, trained on the rows that train the model: a model must be better than these."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from components.evaluation.models import CONSTANT, ITEMS, LOGISTIC
from transform.declaration import PADDING_ID, Declaration, weight_name

# An item's click rate counts so many more rows of the common rate.
SMOOTHING = 10.0

Integers = npt.NDArray[np.int64]
Scores = npt.NDArray[np.float32]
Features = Mapping[str, npt.NDArray[np.generic]]


@dataclasses.dataclass(frozen=True)
class Counts:
    """What rows tell of items and clients.

    Args:
        items: Hashes of the items, ascending, [items].
        rows: The rows of each, [items].
        clicks: Those of label 1, [items].
        clients: Hashes of the clients, ascending, [clients].
    """

    items: Integers
    rows: Integers
    clicks: Integers
    clients: Integers

    @classmethod
    def of(cls, items: Integers, labels: npt.ArrayLike, clients: Integers) -> Counts:
        """Counts rows: each row's item, label and client."""
        distinct, item = np.unique(items, return_inverse=True)
        clicks = np.bincount(item, np.asarray(labels, np.float64), len(distinct))
        return cls(distinct, np.bincount(item, minlength=len(distinct)), clicks.astype(np.int64), np.unique(clients))

    @classmethod
    def together(cls, parts: Iterable[Counts]) -> Counts:
        """The counts of all parts' rows."""
        parts = [_NOTHING, *parts]
        distinct, item = np.unique(np.concatenate([part.items for part in parts]), return_inverse=True)
        rows, clicks = np.zeros((2, len(distinct)), np.int64)
        np.add.at(rows, item, np.concatenate([part.rows for part in parts]))
        np.add.at(clicks, item, np.concatenate([part.clicks for part in parts]))
        return cls(distinct, rows, clicks, np.unique(np.concatenate([part.clients for part in parts])))

    @property
    def click_rate(self) -> float:
        """The share of label 1. NaN without rows."""
        return float(self.clicks.sum() / self.rows.sum()) if len(self.rows) else float("nan")


_NOTHING = Counts(*(np.zeros(0, np.int64) for _ in range(4)))


@dataclasses.dataclass(frozen=True)
class SimpleModels:
    """The simple models.

    Args:
        counts: What the rows that train tell.
        weights: The logistic regression's weights: of each column, those of the tokens by id, and the intercept, by the
            empty name. None if there is no such model.
    """

    counts: Counts
    weights: Mapping[str, npt.NDArray[np.float64]] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        return (CONSTANT, ITEMS, *((LOGISTIC,) if self.weights is not None else ()))

    def scores(self, items: Integers, features: Features) -> dict[str, Scores]:
        """The scores of rows, [rows] each, by model.

        Args:
            items: The hash of each row's item.
            features: Transformed features, lists padded; not looked at if there is no logistic regression.
        """
        rate = self.counts.click_rate
        rows, clicks = (_looked_up(self.counts.items, values, items) for values in (self.counts.rows, self.counts.clicks))
        scores = {CONSTANT: np.full(len(items), rate), ITEMS: (clicks + SMOOTHING * rate) / (rows + SMOOTHING)}
        if self.weights is not None:
            scores[LOGISTIC] = 1 / (1 + np.exp(-_logits(self.weights, features)))
        return {name: values.astype(np.float32) for name, values in scores.items()}

    def knows(self, clients: Integers) -> npt.NDArray[np.bool_]:
        """Which clients have rows among those that train, [rows]."""
        return _looked_up(self.counts.clients, np.ones(len(self.counts.clients), bool), clients).astype(bool)

    def to_bytes(self) -> bytes:
        """The inverse of `from_bytes`."""
        buffer = io.BytesIO()
        arrays: dict[str, Any] = {f"weights.{name}": values for name, values in (self.weights or {}).items()}
        np.savez(buffer, **vars(self.counts), **arrays)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> SimpleModels:
        """Reads what `to_bytes` has written."""
        with np.load(io.BytesIO(data)) as arrays:
            counts = Counts(*(arrays[field.name] for field in dataclasses.fields(Counts)))
            weights = {n.removeprefix("weights."): arrays[n] for n in arrays.files if n.startswith("weights.")}
        return cls(counts, weights or None)


def fit_logistic(
    batches: Sequence[Features], labels: npt.ArrayLike, declaration: Declaration
) -> dict[str, npt.NDArray[np.float64]] | None:
    """scikit-learn's logistic regression (C=1) on one-hot categories and normalised bags of lists and histories.

    Args:
        batches: Batches of transformed features, lists padded within each batch.
        labels: 0 or 1, of all rows of the batches, in their order.
        declaration: The declared features.

    Returns:
        The weights of `SimpleModels`; None if there are no rows, or rows of one label only.
    """
    clicked = np.asarray(labels) > 0
    if clicked.all() or not clicked.any():
        return None
    columns = [column for shared in declaration.vocabularies.values() for column in shared]
    sizes = {column: 1 + max(int(np.max(batch[column], initial=0)) for batch in batches) for column in columns}
    bags = scipy.sparse.vstack(
        [scipy.sparse.hstack([bag(batch, column, sizes[column]) for column in columns]) for batch in batches]
    ).tocsr()
    model = LogisticRegression(C=1.0, solver="lbfgs", max_iter=100, tol=1e-3).fit(bags, clicked)
    of_column = np.split(model.coef_[0], np.cumsum([sizes[column] for column in columns])[:-1])
    return {"": model.intercept_, **dict(zip(columns, of_column, strict=True))}


def bag(features: Features, column: str, size: int) -> scipy.sparse.coo_matrix:
    """The tokens of a column, [rows, size]: each one's share of its row's weight. Ids must be smaller than `size`."""
    ids, shares = _shares(features, column)
    rows, places = np.nonzero(shares)
    return scipy.sparse.coo_matrix((shares[rows, places], (rows, ids[rows, places])), shape=(len(ids), size))


def _logits(weights: Mapping[str, npt.NDArray[np.float64]], features: Features) -> npt.NDArray[np.float64]:
    total: npt.NDArray[np.float64] = np.zeros(1)
    for column, of_token in weights.items():
        if column:
            ids, shares = _shares(features, column)
            known = ids < len(of_token)
            total = total + (np.where(known, of_token[np.where(known, ids, 0)], 0) * shares).sum(axis=1)
    return total + weights[""]


def _shares(features: Features, column: str) -> tuple[Integers, npt.NDArray[np.float64]]:
    """The ids of a column, [rows, length], and each one's share of its row's weight; padding has none."""
    ids = np.asarray(features[column], np.int64).reshape(len(features[column]), -1)
    weights = (ids != PADDING_ID).astype(np.float64)
    if weight_name(column) in features:
        weights *= np.asarray(features[weight_name(column)], np.float64)
    return ids, weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)


def _looked_up(keys: Integers, values: npt.NDArray[np.generic], wanted: Integers) -> npt.NDArray[np.float64]:
    """The values of keys, which are ascending; 0 for what is none."""
    if not len(keys):
        return np.zeros(len(wanted))
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0).astype(np.float64)
