"""The simple models are what plain counting and scikit-learn give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.linear_model import LogisticRegression

from components.evaluation.models import CONSTANT, ITEMS, LOGISTIC
from components.evaluation.simple_models import SMOOTHING, Counts, SimpleModels, fit_logistic
from transform.declaration import Category, CategoryList, Declaration, Group, Label, WeightedList

DECLARATION = Declaration(
    (
        Label("act"),
        Group("client"),
        Category("kind", side="item"),
        CategoryList("tags", side="user"),
        WeightedList("liked", side="user"),
    )
)
LABELS = [1, 0, 0, 1, 1, 0]
FIRST = {
    "kind": np.array([2, 3, 2]),
    "tags": np.array([[2, 3, 0], [4, 0, 0], [0, 0, 0]]),
    "liked": np.array([[2, 3], [3, 0], [2, 0]]),
    "liked_weight": np.array([[1.0, 3.0], [2.0, 0.0], [0.0, 0.0]]),
}
SECOND = {
    "kind": np.array([1, 2, 3]),
    "tags": np.array([[2], [5], [3]]),
    "liked": np.array([[0], [4], [2]]),
    "liked_weight": np.array([[0.0], [1.0], [1.0]]),
}


def test_constant_and_item_click_rate_are_those_of_the_rows_that_train() -> None:
    first = Counts.of(np.array([9, 5, 9]), [1, 0, 0], np.array([1, 2, 2]))
    second = Counts.of(np.array([5, 9]), [1, 1], np.array([-4, 1]))
    models = SimpleModels(Counts.together([first, second]))
    scores = models.scores(np.array([5, 9, 7]), {})
    assert models.names == (CONSTANT, ITEMS)
    assert scores[CONSTANT] == pytest.approx([0.6] * 3)
    of_5, of_9 = (1 + SMOOTHING * 0.6) / (2 + SMOOTHING), (2 + SMOOTHING * 0.6) / (3 + SMOOTHING)
    assert scores[ITEMS] == pytest.approx([of_5, of_9, 0.6])
    assert models.knows(np.array([2, 3, -4])).tolist() == [True, False, True]


def test_logistic_regression_is_scikit_learns_on_bags() -> None:
    kinds: Any = [[0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    tags: Any = [[0.5, 0.5, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    liked: Any = [[0.25, 0.75, 0], [0, 1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1], [1, 0, 0]]
    bags = scipy.sparse.csr_matrix(np.hstack([kinds, tags, liked]))
    expected = LogisticRegression(C=1.0, tol=1e-3).fit(bags, LABELS).predict_proba(bags)[:, 1]
    weights = fit_logistic([FIRST, SECOND], LABELS, DECLARATION)
    assert weights is not None
    counts = Counts.of(np.arange(6), LABELS, np.arange(6))
    models = SimpleModels.from_bytes(SimpleModels(counts, weights).to_bytes())
    assert models.names == (CONSTANT, ITEMS, LOGISTIC)
    scores = [*models.scores(np.arange(3), FIRST)[LOGISTIC], *models.scores(np.arange(3), SECOND)[LOGISTIC]]
    assert scores == pytest.approx(expected, abs=1e-3)


def test_a_token_that_the_sample_lacks_adds_nothing() -> None:
    weights = fit_logistic([FIRST, SECOND], LABELS, DECLARATION)
    models = SimpleModels(Counts.of(np.arange(6), LABELS, np.arange(6)), weights)
    unseen = {name: np.full_like(values[:1], 99) for name, values in SECOND.items()}
    nothing = {name: np.zeros_like(values[:1]) for name, values in SECOND.items()}
    scores = [models.scores(np.zeros(1, np.int64), features)[LOGISTIC] for features in (unseen, nothing)]
    assert scores[0] == scores[1]


@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_one_label_train_no_logistic_regression(label: int) -> None:
    assert fit_logistic([FIRST], [label] * 3, DECLARATION) is None


def test_no_rows_at_all_have_no_click_rate() -> None:
    assert np.isnan(Counts.together([]).click_rate)
