"""Tests of the wide part, on numbers computed by hand."""

import numpy as np
import pytest

from trainer.matches import token_matches
from trainer.wide import WidePart
from transform.declaration import Category, Declaration, Group, History, Label, Numeric, WeightedList

DECLARATION = Declaration(
    (
        Label("act"),
        Group("client_id"),
        Category("device", side="user"),
        Category("topic", side="item", vocabulary="topic"),
        WeightedList("favourites", side="user", vocabulary="topic"),
        History("history", queries=(("past_topic", "topic"),)),
    )
)
USER = {
    "device": np.array([2]),
    "favourites": np.array([[3, 2, 0]]),
    "favourites_weight": np.array([[3.0, 1.0, np.nan]]),
    "past_topic": np.array([[3, 4, 3, 0]]),
}
ITEMS = {"topic": np.array([[3, 4, 1]])}


@pytest.fixture
def wide() -> WidePart:
    layer = WidePart(DECLARATION, {"device": 1, "topic": 3})
    layer.build()
    return layer


def crosses(layer: WidePart) -> np.ndarray:
    matches = token_matches(ITEMS["topic"][..., None], USER["past_topic"][..., None])
    return np.array(layer.crosses(USER, ITEMS, {"history": matches}))


def test_it_starts_at_zero(wide: WidePart) -> None:
    assert not np.any(wide.first_order(USER, "user"))
    assert not np.any(wide.first_order(ITEMS, "item"))
    assert not np.any(crosses(wide))


def test_each_column_has_its_own_weights_which_lists_and_histories_average(wide: WidePart) -> None:
    wide.tables["device"].embeddings.assign([[0], [0], [0.5]])
    wide.tables["favourites"].embeddings.assign([[9], [0], [4], [8], [0]])
    wide.tables["past_topic"].embeddings.assign([[9], [0], [0], [3], [6]])
    wide.tables["topic"].embeddings.assign([[9], [7], [0], [1], [2]])
    np.testing.assert_allclose(wide.first_order(USER, "user"), [0.5 + (3 * 8 + 4) / 4 + (3 + 6 + 3) / 3])
    np.testing.assert_allclose(wide.first_order(ITEMS, "item"), [[1, 2, 7]])


def test_crosses_tell_whether_how_often_and_with_which_weight(wide: WidePart) -> None:
    for i, expected in enumerate(([1, 1, 0], [np.log(3), np.log(2), 0], [1, 0, 0], [0.75, 0, 0])):
        assert wide.cross_weights is not None
        wide.cross_weights.assign(np.eye(4)[i])
        np.testing.assert_allclose(crosses(wide), [expected], rtol=1e-6)


def test_without_crosses_it_adds_nothing_about_pairs() -> None:
    layer = WidePart(DECLARATION, {"device": 1, "topic": 3}, crosses=False)
    layer.build()
    assert layer.cross_weights is None
    assert crosses(layer) == 0


def test_a_number_has_one_weight() -> None:
    layer = WidePart(
        Declaration((*DECLARATION.features, Numeric("age", "user"), Numeric("price", "item"))), {"device": 1, "topic": 3}
    )
    layer.build()
    layer.number_weights["age"].assign(2.0)
    layer.number_weights["price"].assign(-1.0)
    np.testing.assert_allclose(layer.first_order(USER | {"age": np.array([1.5], "float32")}, "user"), [3.0])
    prices = np.array([[0.5, 0.0, -2.0]], "float32")
    np.testing.assert_allclose(layer.first_order(ITEMS | {"price": prices}, "item"), [[-0.5, 0.0, 2.0]])
