"""What callers cannot make the server do: too much at once, too much in one request, other models, and never to end."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import model_management_pb2, model_service_pb2_grpc, prediction_service_pb2_grpc

from serving.server import process
from tests.serving.server import models
from tests.serving.server.models import predict_request
from tests.serving.server.test_rest import call

CALLS = "/v1/models/default:predict"


@pytest.fixture(scope="module")
def limited(half_plus_two: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.RunningServer]:
    """Takes two requests at once."""
    root = tmp_path_factory.mktemp("limited")
    models.copy_version(half_plus_two, root / "1")
    with process.start(f"--model_base_path={root}", "--max_concurrent_requests=2") as running:
        yield running


def predict(server: process.RunningServer, request: Any) -> Any:
    with grpc.insecure_channel(server.grpc_address) as channel:
        return prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=120)


def refusal(server: process.RunningServer, request: Any) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        predict(server, request)
    return caught.value.code(), caught.value.details()


class Waiting:
    """Requests that run until they are let go; the server tells by files that they have begun."""

    def __init__(self, folder: Path, number: int) -> None:
        self._begun = [folder / f"begun-{i}" for i in range(number)]
        self._until = folder / "until"
        self.requests = [
            predict_request([2.0], signature_name="waiting", begun=str(begun), until=str(self._until))
            for begun in self._begun
        ]

    def wait_until_running(self) -> None:
        while not all(begun.exists() for begun in self._begun):
            time.sleep(0.05)

    def let_go(self) -> None:
        self._until.touch()


@pytest.mark.slow
def test_requests_past_the_limit_are_refused_until_a_place_is_free(limited: process.RunningServer, tmp_path: Path) -> None:
    waiting = Waiting(tmp_path, 2)
    with ThreadPoolExecutor(2) as threads:
        running = [threads.submit(predict, limited, request) for request in waiting.requests]
        waiting.wait_until_running()
        code, message = refusal(limited, predict_request([2.0]))
        assert code == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert message == "The server has 2 requests under way, its limit"
        assert call(limited, CALLS, {"instances": [2.0]}) == (429, {"error": message})
        # Who asks how the server is, is told.
        assert call(limited, "/v1/models/default")[0] == 200
        waiting.let_go()
        assert [list(future.result().outputs["y"].float_val) for future in running] == [[2.0]] * 2
    assert list(predict(limited, predict_request([2.0])).outputs["y"].float_val) == [3.0]


@pytest.mark.slow
def test_a_caller_that_gives_up_frees_no_place_while_its_request_runs(
    limited: process.RunningServer, tmp_path: Path
) -> None:
    waiting = Waiting(tmp_path, 2)
    with grpc.insecure_channel(limited.grpc_address) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        calls = [stub.Predict.future(request, timeout=120) for request in waiting.requests]
        waiting.wait_until_running()
        for given_up in calls:
            given_up.cancel()
        assert refusal(limited, predict_request([2.0]))[0] == grpc.StatusCode.RESOURCE_EXHAUSTED
    waiting.let_go()
    while call(limited, CALLS, {"instances": [2.0]})[0] == 429:
        time.sleep(0.05)


@pytest.mark.slow
def test_callers_change_nothing_without_the_flag(limited: process.RunningServer) -> None:
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.config.add(name="other", base_path="/etc", model_platform="tensorflow")
    with grpc.insecure_channel(limited.grpc_address) as channel, pytest.raises(grpc.RpcError) as caught:
        model_service_pb2_grpc.ModelServiceStub(channel).HandleReloadConfigRequest(request, timeout=20)
    assert caught.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert "--enable_reload_config" in caught.value.details()
    assert list(predict(limited, predict_request([2.0])).outputs["y"].float_val) == [3.0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 10_001), "A user must have at most 10000 candidates. Received: 10001."),
        ((11, 10_000), "A request must ask for at most 100000 scores. Received: 110000 values."),
    ],
)
def test_a_short_message_cannot_ask_for_many_candidates(
    server: process.RunningServer, shape: tuple[int, int], message: str
) -> None:
    request = predict_request([1.0] * shape[0], signature_name="names", words=[["red"]] * shape[0])
    words = request.inputs["words"]
    del words.string_val[1:], words.tensor_shape.dim[:]
    for size in shape:
        words.tensor_shape.dim.add().size = size
    assert request.ByteSize() < 400
    assert refusal(server, request) == (grpc.StatusCode.INVALID_ARGUMENT, message)
    body = {"signature_name": "names", "inputs": {"x": [1.0] * shape[0], "words": [[""] * shape[1]] * shape[0]}}
    assert call(server, CALLS, body) == (400, {"error": message})


@pytest.mark.slow
def test_a_request_that_does_not_end_does_not_keep_the_server_from_ending(half_plus_two: Path, tmp_path: Path) -> None:
    models.copy_version(half_plus_two, tmp_path / "models" / "1")
    with (
        process.start(f"--model_base_path={tmp_path / 'models'}", "--drain_seconds=1") as server,
        ThreadPoolExecutor(1) as threads,
    ):
        waiting = Waiting(tmp_path, 1)
        running = threads.submit(predict, server, waiting.requests[0])
        waiting.wait_until_running()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(40) == 1
        assert "Not drained after 6 s: what still runs is given up" in server.log.read_text()
        assert isinstance(running.exception(), grpc.RpcError)
