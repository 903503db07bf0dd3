"""The exported model, loaded in a fresh process, against transformed examples on disk through the trained Keras model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import EDGE_ROWS, random_rows, serialized
from tests.trainer.exported_model import ExportedModel, Request, export_trained
from trainer.signatures import PADDING_SCORE, SCORE
from transform.declaration import (
    Category,
    CategoryList,
    Declaration,
    Group,
    History,
    Label,
    Numeric,
    Pretrained,
    SampleWeight,
    WeightedList,
)
from transform.features import DECLARATION

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5


def worst_difference(what: str, found: object, expected: np.ndarray) -> float:
    worst = float(np.max(np.abs(np.array(found) - expected)))
    print(f"{what}: worst difference {worst:.2e}")
    return worst


@pytest.fixture(scope="module")
def answers(exported: ExportedModel) -> dict[str, dict[str, Any]]:
    columns: dict[str, Any] = {name: [row[name] for row in exported.rows] for name in DECLARATION.serving_columns}
    edges = serialized(EDGE_ROWS, DECLARATION)
    requests: dict[str, Request] = {
        "serving_default": ("serving_default", columns, None),
        "serve_examples": ("serve_examples", {"examples": serialized(exported.rows, DECLARATION)}, None),
        "transform_features": ("transform_features", {"examples": edges}, None),
        "columns of unequal B": ("serving_default", columns | {"client_type": ["1"]}, None),
    }
    alone: dict[str, Request] = {f"alone {i}": ("serve_examples", {"examples": [row]}, None) for i, row in enumerate(edges)}
    return dict(zip(requests | alone, exported.call(*(requests | alone).values()), strict=True))


@pytest.mark.parametrize("signature", ["serving_default", "serve_examples"])
def test_scores_agree_with_the_reference(exported: ExportedModel, answers: dict[str, Any], signature: str) -> None:
    scores = answers[signature]["outputs"][SCORE]
    assert np.shape(scores) == (len(exported.rows),)
    assert worst_difference(signature, scores, exported.scores) < TOLERANCE
    assert np.ptp(exported.scores) > 100 * TOLERANCE


def test_rows_score_the_same_alone_and_in_a_batch(exported: ExportedModel, answers: dict[str, Any]) -> None:
    """Padding to the longest of a batch has no influence."""
    scores = [answers[f"alone {i}"]["outputs"][SCORE][0] for i in range(len(EDGE_ROWS))]
    assert worst_difference("alone", scores, exported.scores[: len(EDGE_ROWS)]) < TOLERANCE


def test_transform_features_gives_the_models_inputs(exported: ExportedModel, answers: dict[str, Any]) -> None:
    features = {name: np.array(value) for name, value in answers["transform_features"]["outputs"].items()}
    assert set(features) == set(DECLARATION.serving_columns) | {"all_topic_fav_7_weight"}
    assert features["hist_topic_id"].shape == (len(EDGE_ROWS), 50)
    logits = exported.model(features, training=False)
    expected = exported.scores[: len(EDGE_ROWS)]
    assert worst_difference("transform_features", 1 / (1 + np.exp(-np.array(logits))), expected) < TOLERANCE


def test_columns_of_different_lengths_are_refused(answers: dict[str, Any]) -> None:
    error = answers["columns of unequal B"]["error"]
    assert "All columns must have the same first axis. Received for client_type, post_type, topic_id" in error
    assert "[1 35 35 35 35 35 35 35]" in error


VECTORS = {"0": [0.5, -1.0, 2.0], "2": [1.0, 0.0, -0.5], "5": [-2.0, 0.25, 0.0], "only in the table": [3.0, 3.0, 3.0]}


def table(folder: Path, name: str) -> str:
    """A file of `VECTORS`, as a declaration names it; the path is absolute, as no test writes into the project."""
    path = folder / name
    if path.suffix == ".npz":
        np.savez(path, tokens=np.array(list(VECTORS)), vectors=np.array(list(VECTORS.values())))
    else:
        path.write_text("token,x,y,z\n" + "".join(f"{t},{','.join(map(str, v))}\n" for t, v in VECTORS.items()))
    return str(path)


def test_features_added_in_one_line_each_arrive_in_the_model_and_in_the_signatures(tmp_path: Path) -> None:
    declaration = Declaration(
        (
            *DECLARATION.features,
            Category("city", side="user"),
            Category("device", side="user", hash_buckets=4),
            Category("author", side="item", vocabulary="author", hash_buckets=50),
            CategoryList("follow_author", side="user", vocabulary="author", pooling="max"),
            Category("place", side="item", top_k=3),
            Pretrained("place_vector", column="place", table=table(tmp_path, "place.csv")),
            Pretrained("tag_vector", column="tags", table=table(tmp_path, "tags.npz"), tuned=True, pooling="max"),
            Pretrained("favourite_vector", column="all_topic_fav_7", table=table(tmp_path, "topics.csv")),
            CategoryList("tags", side="item", vocabulary="keyword", max_length=3),
            WeightedList("entities", side="item", vocabulary="keyword", pooling="sum"),
            History("shares", queries=(("share_topic", "topic_id"),), max_length=4),
            Numeric("age", side="user"),
            Numeric("price", side="item"),
            SampleWeight("weight"),
        )
    )
    training = random_rows(declaration, 200)
    users = random_rows(declaration, 2, seed=1)
    users += [users[0] | {"city": "2"}, users[0] | {"share_topic": "1,2,3,4,5,1"}]
    items = [
        {name: row[name] for name in declaration.side_columns("item")} | {"tags": tags}
        for row, tags in zip(random_rows(declaration, 4, seed=2), ["1,2", "", "1,2,3,4,5", "3"], strict=True)
    ]
    rows = [user | item for user in users for item in items]
    exported = export_trained(declaration, training, rows, tmp_path)
    assert "city" in exported.model.tables
    given = np.array([[0.0] * 3, *VECTORS.values()], np.float32)
    tables = {name: np.array(layer.embeddings) for name, layer in exported.model.pretrained.items()}
    np.testing.assert_array_equal(tables["place_vector"], given)
    np.testing.assert_array_equal(tables["tag_vector"][[0, 4]], given[[0, 4]])
    assert (tables["tag_vector"][1:4] != given[1:4]).any()
    # What the export needs is in the export.
    for name in ("place.csv", "tags.npz", "topics.csv"):
        (tmp_path / name).unlink()

    columns = {name: [row[name] for row in rows] for name in declaration.serving_columns}
    ranked: dict[str, Any] = {name: [user[name] for user in users] for name in declaration.side_columns("user")}
    ranked |= {name: [[item[name] for item in items]] * len(users) for name in declaration.side_columns("item")}
    malformed = {name: cells[:3] for name, cells in columns.items()} | {"age": ["1", "x", "2"], "price": ["1", "2", "nan"]}
    by_columns, explained, guarded = exported.call(
        ("serving_default", columns, None), ("explain", ranked, None), ("serving_default", malformed, None)
    )
    scores = by_columns["outputs"][SCORE]
    assert worst_difference("serving_default", scores, exported.scores) < TOLERANCE
    assert worst_difference("explain", np.ravel(explained["outputs"][SCORE]), exported.scores) < TOLERANCE
    assert len({round(score, 6) for score in scores}) == len(scores)
    assert [score == PADDING_SCORE for score in guarded["outputs"][SCORE]] == [False, True, True]
    assert explained["outputs"]["tokens_share_topic"][3] == ["3", "4", "5", "1"]
    assert np.shape(explained["outputs"]["attention_shares"]) == (4, 4, 4)


def test_an_unknown_token_scores_as_one_of_which_nothing_is_known(tmp_path: Path) -> None:
    """Few are clicked, whatever the token. No token is rare, so that no training row is out of vocabulary."""
    features = (
        Label("act"),
        Group("user"),
        Category("topic", side="item"),
        Category("author", side="item", hash_buckets=1000),
        CategoryList("follows", side="user", vocabulary="topic"),
    )
    declaration = Declaration(features)
    clicked = np.random.default_rng(0).random(2000) < 0.1
    training = [
        row | {"act": str(int(act))} for row, act in zip(random_rows(declaration, 2000, tokens=8), clicked, strict=True)
    ]
    known = [row for row in random_rows(declaration, 250, tokens=8, seed=1) if row["follows"]]
    unknown = [row | {column: "never seen"} for column in ("topic", "author", "follows") for row in known]
    exported = export_trained(declaration, training, training[:1], tmp_path)
    rows = {name: [row[name] for row in known + unknown] for name in declaration.serving_columns}
    (answer,) = exported.call(("serving_default", rows, None))
    scores = np.reshape(answer["outputs"][SCORE], (4, len(known)))
    logits = np.log(scores / (1 - scores)).mean(axis=1)
    print(f"mean logits: known {logits[0]:.4f}, unknown topic, author, follows {logits[1:].round(4)}")
    np.testing.assert_allclose(logits[1:], logits[0], atol=0.1)


def test_a_model_without_user_columns_ranks(tmp_path: Path) -> None:
    declaration = Declaration((*DECLARATION.features[:2], Category("topic", side="item"), CategoryList("tags", side="item")))
    rows = random_rows(declaration, 6, seed=1)
    exported = export_trained(declaration, random_rows(declaration, 50), rows, tmp_path)
    candidates = {name: [[row[name] for row in rows[:3]], [row[name] for row in rows[3:]]] for name in ("topic", "tags")}
    (answer,) = exported.call(("rank", candidates, None))
    assert worst_difference("rank", np.ravel(answer["outputs"][SCORE]), exported.scores) < TOLERANCE
