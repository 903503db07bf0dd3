"""Requests that nobody has checked: what a row holds, and what a few bytes ask for, as TensorFlow Serving runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import EDGE_ROWS, random_rows, raw_row, serialized
from tests.trainer.conftest import ITEMS
from tests.trainer.exported_model import ExportedModel, Request, export_trained
from trainer.export_settings import ExportSettings
from trainer.signatures import PADDING_SCORE, SCORE
from transform.declaration import Declaration, WeightedList
from transform.features import DECLARATION

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5
USER_COLUMNS = DECLARATION.side_columns("user")
ITEM_COLUMNS = DECLARATION.side_columns("item")
MALFORMED = ["1:0.5,\u3000,2:0.3", "3", "1:nan", "1:-1", "a:b:1", "1:inf", "话\u3000"]


def columns(rows: list[dict[str, str]]) -> dict[str, Any]:
    return {name: [row[name] for row in rows] for name in DECLARATION.serving_columns}


def candidates(users: int, count: int, item: dict[str, str]) -> dict[str, Any]:
    return {name: [[item[name]] * count] * users for name in ITEM_COLUMNS}


@pytest.fixture(scope="module")
def answers(exported: ExportedModel) -> dict[str, dict[str, Any]]:
    """Every second row is malformed."""
    rows = [row for good, cell in zip(EDGE_ROWS, MALFORMED, strict=True) for row in (good, raw_row(all_topic_fav_7=cell))]
    ranked: dict[str, Any] = {name: [row[name] for row in rows] for name in USER_COLUMNS}
    ranked |= {name: [[item[name] for item in ITEMS]] * len(rows) for name in ITEM_COLUMNS}
    one: dict[str, Any] = {name: [EDGE_ROWS[0][name]] for name in USER_COLUMNS}
    many: dict[str, Any] = {name: [EDGE_ROWS[0][name]] * 11 for name in USER_COLUMNS}
    empty = dict.fromkeys(ITEM_COLUMNS, "")
    requests: dict[str, Request] = {
        "serving_default": ("serving_default", columns(rows), None),
        "serve_examples": ("serve_examples", {"examples": serialized(rows, DECLARATION)}, None),
        "rank": ("rank", ranked, None),
        "explain": ("explain", ranked, None),
        "at the bound": ("rank", one | candidates(1, 10_000, ITEMS[0]), None),
        "one candidate more": ("rank", one | candidates(1, 10_001, empty), None),
        "too many together": ("explain", many | candidates(11, 10_000, empty), None),
        "too many rows": ("serving_default", columns([dict.fromkeys(EDGE_ROWS[0], "")] * 100_001), None),
        "too many examples": ("serve_examples", {"examples": [b""] * 100_001}, None),
    }
    return dict(zip(requests, exported.call(*requests.values()), strict=True))


@pytest.mark.parametrize("signature", ["serving_default", "serve_examples"])
def test_a_malformed_row_scores_as_padding_and_its_neighbours_as_ever(
    exported: ExportedModel, answers: dict[str, Any], signature: str
) -> None:
    scores = np.array(answers[signature]["outputs"][SCORE])
    assert (scores[1::2] == PADDING_SCORE).all()
    assert np.max(np.abs(scores[::2] - exported.scores[: len(EDGE_ROWS)])) < TOLERANCE


@pytest.mark.parametrize("signature", ["rank", "explain"])
def test_a_malformed_user_is_padding_and_its_neighbours_rank_as_ever(
    exported: ExportedModel, answers: dict[str, Any], signature: str
) -> None:
    outputs = answers[signature]["outputs"]
    scores = np.array(outputs[SCORE])
    expected = exported.scores[len(EDGE_ROWS) :].reshape(len(EDGE_ROWS), len(ITEMS))
    assert (scores[1::2] == PADDING_SCORE).all()
    assert np.max(np.abs(scores[::2] - expected)) < TOLERANCE
    if signature == "explain":
        weights = np.array(outputs["attention_history"])
        assert (weights[1::2] == 0).all()
        assert weights[0].any()


def test_a_request_at_the_bound_is_ranked(answers: dict[str, Any]) -> None:
    assert np.shape(answers["at the bound"]["outputs"][SCORE]) == (1, 10_000)


@pytest.mark.parametrize(
    ("request_name", "rule", "received"),
    [
        ("one candidate more", "A user must have at most 10000 candidates.", 10_001),
        ("too many together", "A request must ask for at most 100000 scores.", 110_000),
        ("too many rows", "A request must ask for at most 100000 scores.", 100_001),
        ("too many examples", "A request must ask for at most 100000 scores.", 100_001),
    ],
)
def test_a_request_for_too_many_scores_is_refused(
    answers: dict[str, Any], request_name: str, rule: str, received: int
) -> None:
    assert f"{rule} Received: ] [{received}]" in answers[request_name]["error"]


def test_a_malformed_candidate_is_padding_alone_and_the_bounds_are_settings(tmp_path: Path) -> None:
    declaration = Declaration((*DECLARATION.features, WeightedList("entities", side="item", vocabulary="keyword")))
    training = random_rows(declaration, 100)
    rows = random_rows(declaration, 3, seed=1)
    user = {name: rows[0][name] for name in declaration.side_columns("user")}
    rows = [row | user for row in rows]
    config = ExportSettings(warmup_candidates=(1,), max_candidates=3, max_scores=4)
    exported = export_trained(declaration, training, rows, tmp_path, config)
    spoilt = [rows[0], rows[1] | {"entities": "1:x"}, rows[2]]
    ranked: dict[str, Any] = {name: [cell] for name, cell in user.items()}
    items = {name: [[row[name] for row in spoilt]] for name in declaration.side_columns("item")}
    wide = {name: [[*cells[0], cells[0][0]]] for name, cells in items.items()}
    good, refused = exported.call(("rank", ranked | items, None), ("rank", ranked | wide, None))
    (scores,) = good["outputs"][SCORE]
    assert scores[1] == PADDING_SCORE
    assert [scores[0], scores[2]] == [pytest.approx(exported.scores[i], abs=TOLERANCE) for i in (0, 2)]
    assert "A user must have at most 3 candidates." in refused["error"]
