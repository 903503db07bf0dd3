"""What a model must beat: a constant, the item's click rate, and logistic regression on bags of the same columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from benchmarks._accuracy_data import Features, Part
from transform.declaration import FIRST_TOKEN_ID, Declaration, weight_name

SMOOTHING = 10.0


def constant(train: Part, judge: Part) -> np.ndarray:
    """The click rate of the rows that train, for each row that is judged."""
    return np.full(len(judge), train.labels.mean())


def item_click_rate(train: Part, judge: Part, column: str = "keyword_id") -> np.ndarray:
    """The click rate of each item among the rows that train, with `SMOOTHING` more rows of the common rate."""
    size = max(int(train.features[column].max()), int(judge.features[column].max())) + 1
    rows = np.bincount(train.features[column], minlength=size)
    clicks = np.bincount(train.features[column], train.labels, minlength=size)
    return ((clicks + SMOOTHING * train.labels.mean()) / (rows + SMOOTHING))[judge.features[column]]


def logistic_regression(
    train: Part, judge: Part, declaration: Declaration, sizes: Mapping[str, int], strength: float
) -> np.ndarray:
    """scikit-learn's, on one-hot categories and normalised bags of lists and histories; `strength` is its C."""
    inputs = [_bags(part.features, declaration, sizes) for part in (train, judge)]
    model = LogisticRegression(C=strength, solver="liblinear").fit(inputs[0], train.labels)
    return np.asarray(model.predict_proba(inputs[1])[:, 1])


def _bags(features: Features, declaration: Declaration, sizes: Mapping[str, int]) -> scipy.sparse.csr_matrix:
    bags = []
    for vocabulary, columns in declaration.vocabularies.items():
        for column in columns:
            ids = features[column].reshape(len(features[column]), -1)
            weights = (ids != 0) * np.asarray(features.get(weight_name(column), 1.0), np.float64)
            weights = weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
            rows = np.repeat(np.arange(len(ids)), ids.shape[1])
            shape = (len(ids), sizes[vocabulary] + FIRST_TOKEN_ID)
            bag = scipy.sparse.csr_matrix((weights.ravel(), (rows, ids.ravel())), shape=shape)
            bag.eliminate_zeros()
            bags.append(bag)
    return scipy.sparse.hstack(bags).tocsr()
