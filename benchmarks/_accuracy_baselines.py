"""What a model must beat: the evaluation's simple models, and logistic regressions of other strengths."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from benchmarks._accuracy_data import Features, Part
from components.evaluation.simple_models import Counts, SimpleModels, bag
from transform.declaration import FIRST_TOKEN_ID, Declaration


def click_rates(train: Part, judge: Part, declaration: Declaration) -> dict[str, np.ndarray]:
    """The common click rate of the rows that train, and each item's, for each row that is judged; by the model's name.

    An item is what its categories say together.
    """
    columns = [column.name for column in declaration.columns if column.side == "item" and column.kind == "category"]
    cells = [np.stack([part.features[name] for name in columns], axis=1) for part in (train, judge)]
    _, items = np.unique(np.concatenate(cells), axis=0, return_inverse=True)
    models = SimpleModels(Counts.of(items[: len(train)], train.labels, train.clients))
    return dict(models.scores(items[len(train) :], {}))


def logistic_regression(
    train: Part, judge: Part, declaration: Declaration, sizes: Mapping[str, int], strength: float
) -> np.ndarray:
    """scikit-learn's, on one-hot categories and normalised bags of lists and histories; `strength` is its C."""
    inputs = [_bags(part.features, declaration, sizes) for part in (train, judge)]
    model = LogisticRegression(C=strength, solver="liblinear").fit(inputs[0], train.labels)
    return np.asarray(model.predict_proba(inputs[1])[:, 1])


def _bags(features: Features, declaration: Declaration, sizes: Mapping[str, int]) -> scipy.sparse.csr_matrix:
    return scipy.sparse.hstack(
        [
            bag(features, column, sizes[vocabulary] + FIRST_TOKEN_ID)
            for vocabulary, columns in declaration.vocabularies.items()
            for column in columns
        ]
    ).tocsr()
