"""The client against the embedded server, a real model and a real connection."""

from __future__ import annotations

import csv
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.client import (
    DeadlineExceededError,
    InvalidRequestError,
    ModelNotFoundError,
    RankingClient,
    RequestRefusedError,
    ServerUnavailableError,
)
from serving.client.cells import candidate_cells, user_cells
from serving.server.process import RunningServer
from tests.serving.support import MODEL, VERSION, free_port
from transform.declaration import Category, Declaration
from transform.features import DECLARATION

EXAMPLES = Path(__file__).parents[2] / "serving" / "examples"
TRANSPORTS = ["grpc", "rest"]
TOLERANCE = 1e-5


@pytest.fixture(scope="session")
def user() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((EXAMPLES / "user.json").read_text())
    return loaded


@pytest.fixture(scope="session")
def candidates() -> list[dict[str, Any]]:
    with (EXAMPLES / "candidates.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(params=TRANSPORTS)
def client(request: pytest.FixtureRequest, server: RunningServer) -> Iterator[RankingClient]:
    target = server.grpc_address if request.param == "grpc" else server.rest_url
    with RankingClient(target, transport=request.param, deadline=60) as client:
        yield client


@pytest.fixture(scope="session")
def reference(models: Path) -> Any:
    """Scores pairs of a user and a candidate with serving_default, in this process."""
    import tensorflow as tf

    model = tf.saved_model.load(str(models / MODEL / str(VERSION)))

    def scores(user: dict[str, Any], candidates: list[dict[str, Any]]) -> Any:
        rows = [user_cells(user, DECLARATION) | cells for cells in candidate_cells(candidates, DECLARATION)]
        inputs = {name: tf.constant([row[name] for row in rows]) for name in DECLARATION.serving_columns}
        return model.signatures["serving_default"](**inputs)["score"].numpy()

    return scores


@pytest.mark.slow
def test_scores_are_those_of_the_model(client: RankingClient, reference: Any, user: Any, candidates: Any) -> None:
    scores = client.rank(user, candidates).scores
    assert scores == pytest.approx(reference(user, candidates), abs=TOLERANCE)
    assert np.ptp(scores) > 10 * TOLERANCE


@pytest.mark.slow
def test_items_come_best_first_with_their_place_in_the_request(client: RankingClient, user: Any, candidates: Any) -> None:
    ranking = client.rank(user, candidates)
    items = ranking.items
    assert sorted(item.index for item in items) == list(range(len(candidates)))
    assert [item.score for item in items] == sorted(ranking.scores.tolist(), reverse=True)
    assert all(item.candidate == candidates[item.index] for item in items)


@pytest.mark.slow
def test_users_with_different_numbers_of_candidates_share_a_call(
    client: RankingClient, reference: Any, user: Any, candidates: Any
) -> None:
    newcomer = user | {name: [] for name in ("follow_topic_id", "all_topic_fav_7", "hist_topic_id", "hist_keyword_id")}
    requests = [(user, candidates[:3]), (newcomer, candidates), (user, [])]
    rankings = client.rank_many(requests)
    for (who, what), ranking in zip(requests, rankings, strict=True):
        assert len(ranking.scores) == len(ranking.items) == len(what)
        if what:
            assert ranking.scores == pytest.approx(reference(who, what), abs=TOLERANCE)


@pytest.mark.slow
def test_no_candidates_are_an_empty_ranking(client: RankingClient, user: Any) -> None:
    assert client.rank(user, []).items == []
    assert client.rank_many([]) == []
    assert client.explain(user, []).items == []


@pytest.mark.slow
def test_an_explanation_has_the_same_scores_and_a_weight_for_each_entry(
    client: RankingClient, user: Any, candidates: Any
) -> None:
    explanation = client.explain(user, candidates)
    assert explanation.scores == pytest.approx(client.rank(user, candidates).scores, abs=TOLERANCE)
    entries = explanation.attended(2)
    assert [entry.weight for entry in entries] == sorted((entry.weight for entry in entries), reverse=True)
    assert {(entry.position, *entry.tokens.values()) for entry in entries} == {
        (i, *tokens) for i, tokens in enumerate(zip(user["hist_topic_id"], user["hist_keyword_id"], strict=True))
    }
    assert explanation.attended(2, top=2) == entries[:2]
    assert np.ptp(explanation.attention["history"]) > 0


@pytest.mark.slow
def test_an_explanation_of_an_empty_history_attends_to_nothing(client: RankingClient, user: Any, candidates: Any) -> None:
    explanation = client.explain(user | {"hist_topic_id": [], "hist_keyword_id": []}, candidates)
    assert explanation.attended(0) == []


@pytest.mark.slow
def test_an_explanation_keeps_the_newest_entries_of_a_long_history(
    client: RankingClient, user: Any, candidates: Any
) -> None:
    history = {"hist_topic_id": [str(i) for i in range(60)], "hist_keyword_id": [str(i) for i in range(60)]}
    entries = client.explain(user | history, candidates).attended(0)
    assert {entry.tokens["hist_topic_id"] for entry in entries} == {str(i) for i in range(10, 60)}


@pytest.mark.slow
def test_any_text_is_a_token(client: RankingClient, user: Any, candidates: Any) -> None:
    history = {"hist_topic_id": ["话题", '"\\'], "hist_keyword_id": ["\n", "b"]}
    odd = [candidate | {"topic_id": "<b>&\u2028"} for candidate in candidates]
    explanation = client.explain(user | history, odd)
    assert {entry.tokens["hist_topic_id"] for entry in explanation.attended(0)} == {"话题", '"\\'}


@pytest.mark.slow
def test_many_threads_share_a_client(client: RankingClient, user: Any, candidates: Any) -> None:
    expected = client.rank(user, candidates).scores
    with ThreadPoolExecutor(8) as pool:
        for ranking in pool.map(lambda _: client.rank(user, candidates), range(64)):
            assert ranking.scores == pytest.approx(expected, abs=TOLERANCE)


@pytest.mark.slow
def test_a_request_that_breaks_a_rule_is_not_sent(client: RankingClient, user: Any, candidates: Any) -> None:
    with pytest.raises(InvalidRequestError, match="Missing: \\['topic_id'\\]"):
        client.rank(user, [{"post_type": "0", "keyword_id": "1"}])


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("wrong", [{"model_name": "other"}, {"version": 99}])
def test_a_model_that_is_not_served_is_an_error_of_its_own(
    server: RunningServer, transport: Any, wrong: Any, user: Any, candidates: Any
) -> None:
    target = server.grpc_address if transport == "grpc" else server.rest_url
    with (
        RankingClient(target, transport=transport, **wrong) as client,
        pytest.raises(ModelNotFoundError, match="NOT_FOUND: Servable not found for request") as error,
    ):
        client.rank(user, candidates)
    assert error.value.target == target


@pytest.mark.slow
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_model_with_other_columns_refuses_and_names_them(
    server: RunningServer, transport: Any, user: Any, candidates: Any
) -> None:
    declaration = Declaration((*DECLARATION.features, Category("city", side="user")))
    target = server.grpc_address if transport == "grpc" else server.rest_url
    with (
        RankingClient(target, transport=transport, declaration=declaration) as client,
        pytest.raises(RequestRefusedError, match="city"),
    ):
        client.rank(user | {"city": "1"}, candidates)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_nothing_listening_is_an_error_after_all_attempts(transport: Any, user: Any, candidates: Any) -> None:
    with (
        RankingClient(f"localhost:{free_port()}", transport=transport, attempts=2) as client,
        pytest.raises(ServerUnavailableError, match="UNAVAILABLE"),
    ):
        client.rank(user, candidates)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_server_that_never_answers_meets_the_deadline(transport: Any, user: Any, candidates: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        target = f"127.0.0.1:{mute.getsockname()[1]}"
        with (
            RankingClient(target, transport=transport, deadline=0.5) as client,
            pytest.raises((DeadlineExceededError, ServerUnavailableError)),
        ):
            client.rank(user, candidates)


def test_waits_between_attempts_end_before_the_deadline(user: Any, candidates: Any) -> None:
    # Without that, a million attempts take hours.
    with (
        RankingClient(f"localhost:{free_port()}", deadline=1.0, attempts=1_000_000) as client,
        pytest.raises(ServerUnavailableError),
    ):
        client.rank(user, candidates)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"transport": "carrier pigeon"}, "`transport` must be one of"),
        ({"deadline": 0}, "`deadline` must be positive. Received: 0."),
        ({"deadline": float("nan")}, "`deadline` must be positive."),
        ({"attempts": 0}, "`attempts` must be positive. Received: 0."),
        ({"model_name": ""}, "must not be empty"),
    ],
)
def test_a_setting_that_cannot_be_used_is_an_error(setting: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RankingClient("localhost:8500", **setting)
