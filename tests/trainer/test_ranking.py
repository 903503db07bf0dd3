"""The signatures `rank` and `explain`, called in a fresh process, against the reference row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.support import EDGE_ROWS
from tests.trainer.conftest import ITEMS
from tests.trainer.exported_model import ExportedModel
from trainer.signatures import PADDING_SCORE, SCORE, ServingModule
from transform.features import DECLARATION

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5
USER_COLUMNS = DECLARATION.side_columns("user")
ITEM_COLUMNS = DECLARATION.side_columns("item")
PADDING = dict.fromkeys(ITEM_COLUMNS, "")
# How many candidates each user has; what is missing up to the most of them is padding, as batching makes it.
COUNTS = [len(ITEMS) - i % 3 for i in range(len(EDGE_ROWS))]


def request(users: list[dict[str, str]], counts: list[int], candidates: int) -> dict[str, Any]:
    """Columns of `rank`: for each user the first so many of `ITEMS`, padded to `candidates`."""
    rows = [[*ITEMS[:count], *[PADDING] * (candidates - count)] for count in counts]
    columns: dict[str, Any] = {name: [user[name] for user in users] for name in USER_COLUMNS}
    return columns | {name: [[item[name] for item in row] for row in rows] for name in ITEM_COLUMNS}


@pytest.fixture(scope="module")
def answers(exported: ExportedModel) -> dict[str, dict[str, Any]]:
    whole = request(EDGE_ROWS, COUNTS, len(ITEMS))
    requests = {
        "rank": ("rank", whole, None),
        "explain": ("explain", whole, None),
        "score of explain": ("explain", whole, [SCORE]),
        "no candidates": ("rank", request(EDGE_ROWS[:2], [0, 0], 0), None),
        "one candidate": ("rank", request(EDGE_ROWS[:1], [1], 1), None),
        "empty histories": ("explain", request([EDGE_ROWS[3]], [2], 2), None),
        "columns of unequal K": ("rank", whole | {"topic_id": [["1"]] * len(EDGE_ROWS)}, None),
        "columns of unequal B": ("rank", whole | {"client_type": ["1"]}, None),
    }
    alone = {f"alone {i}": ("rank", request([EDGE_ROWS[i]], [COUNTS[i]], COUNTS[i]), None) for i in range(3)}
    return dict(zip(requests | alone, exported.call(*(requests | alone).values()), strict=True))


@pytest.fixture(scope="module")
def reference(exported: ExportedModel) -> np.ndarray:
    """The scores [users, items], padding included."""
    scores = exported.scores[len(EDGE_ROWS) :].reshape(len(EDGE_ROWS), len(ITEMS))
    return np.where(np.arange(len(ITEMS)) < np.array(COUNTS)[:, None], scores, PADDING_SCORE)


@pytest.mark.parametrize("signature", ["rank", "explain"])
def test_scores_agree_with_the_reference(answers: dict[str, Any], reference: np.ndarray, signature: str) -> None:
    worst = np.max(np.abs(np.array(answers[signature]["outputs"][SCORE]) - reference))
    print(f"{signature}: worst difference {worst:.2e}")
    assert worst < TOLERANCE


@pytest.mark.parametrize("user", range(3))
def test_a_request_scores_the_same_alone_and_padded_in_a_batch(
    answers: dict[str, Any], reference: np.ndarray, user: int
) -> None:
    alone = answers[f"alone {user}"]["outputs"][SCORE]
    assert alone == [pytest.approx(reference[user, : COUNTS[user]], abs=TOLERANCE)]


def test_attention_agrees_with_the_reference(exported: ExportedModel, answers: dict[str, Any]) -> None:
    weights = np.array(answers["explain"]["outputs"]["attention_history"])
    expected = exported.attention["history"][len(EDGE_ROWS) :].reshape(len(EDGE_ROWS), len(ITEMS), -1)
    padding = np.arange(len(ITEMS)) >= np.array(COUNTS)[:, None]
    expected[padding] = 0
    worst = np.max(np.abs(weights - expected))
    print(f"attention: worst difference {worst:.2e}")
    assert worst < TOLERANCE
    assert (weights[padding] == 0).all()


def test_tokens_stand_where_their_weights_do(answers: dict[str, Any]) -> None:
    outputs = answers["explain"]["outputs"]
    weights = np.array(outputs["attention_history"])
    for column in ("hist_topic_id", "hist_keyword_id"):
        for user, tokens in zip(EDGE_ROWS, outputs[f"tokens_{column}"], strict=True):
            newest = user[column].split(",")[-50:] if user[column] else []
            assert tokens == newest + [""] * (50 - len(newest))
    occupied = np.array(outputs["tokens_hist_topic_id"]) != ""
    np.testing.assert_array_equal(weights[:, 0] != 0, occupied)


def test_an_empty_history_has_no_positions(answers: dict[str, Any]) -> None:
    outputs = answers["empty histories"]["outputs"]
    assert outputs["attention_history"] == [[[], []]]
    assert outputs["tokens_hist_topic_id"] == [[]]


def test_any_number_of_candidates_is_ranked(answers: dict[str, Any], reference: np.ndarray) -> None:
    assert answers["no candidates"]["outputs"][SCORE] == [[], []]
    assert answers["one candidate"]["outputs"][SCORE] == [pytest.approx(reference[0, :1], abs=TOLERANCE)]


def test_columns_that_do_not_fit_each_other_are_refused(answers: dict[str, Any]) -> None:
    assert "Shapes of all inputs must match" in answers["columns of unequal K"]["error"]
    assert "All columns must have the same first axis" in answers["columns of unequal B"]["error"]


def test_what_is_not_asked_for_is_not_computed(answers: dict[str, Any]) -> None:
    """Asking `explain` for the scores alone runs what `rank` runs.

    Compared is what handles strings, ragged tensors and choices: how arithmetic is carried out is up to the processor.
    """
    kinds = ("Lookup", "Ragged", "Select", "String")
    rank, scores, explain = (
        {operation: count for operation, count in answers[name]["operations"].items() if operation.startswith(kinds)}
        for name in ("rank", "score of explain", "explain")
    )
    assert scores == rank
    assert explain["RaggedTensorToTensor"] == rank["RaggedTensorToTensor"] + 2


def test_columns_of_one_vocabulary_are_looked_up_at_once_and_no_token_is_repeated_for_the_candidates(
    exported: ExportedModel,
) -> None:
    """In the graph as it was traced; what TensorFlow makes of it differs between processors."""
    module = ServingModule(exported.model, exported.transform_output, DECLARATION)
    nodes = list(called(module.signatures()["rank"].graph.as_graph_def()))
    vocabularies = [{DECLARATION.vocabulary_of(column) for column in side} for side in (USER_COLUMNS, ITEM_COLUMNS)]
    # A candidate's queried column is looked up in the candidates' vocabulary too.
    assert [node.op for node in nodes].count("LookupTableFindV2") == sum(map(len, vocabularies)) + 2
    repeating = {node.name for node in nodes if node.op in ("Tile", "BroadcastTo")}
    assert all(name.startswith("transform") for name in repeating)


def called(graph: Any) -> Iterator[Any]:
    """The nodes of a graph and, as often as they are called, of its functions."""
    functions = {function.signature.name: function.node_def for function in graph.library.function}

    def expanded(nodes: Any) -> Iterator[Any]:
        for node in nodes:
            yield node
            # A call's function, and the condition and body of a loop.
            for value in node.attr.values():
                yield from expanded(functions.get(value.func.name, ()))

    return expanded(graph.node)
