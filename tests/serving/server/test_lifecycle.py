"""Changing the configuration of a server that runs, and ending it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tensorflow_serving.apis import (
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.server import process
from serving.server.flags import Flags
from serving.server.server import Server
from tests.serving.server import models
from tests.serving.server.calls import code, predict, refusal
from tests.serving.server.models import predict_request


def config_text(base_path: Path, *names: str) -> str:
    entries = (f'config {{ name: "{name}" base_path: "{base_path}" model_platform: "tensorflow" }}' for name in names)
    return f"model_config_list {{ {' '.join(entries)} }}"


@pytest.mark.slow
def test_the_configuration_changes_while_the_server_runs(half_plus_two: Path, tmp_path: Path) -> None:
    base = tmp_path / "models"
    models.copy_version(half_plus_two, base / "1")
    file = tmp_path / "models.txt"
    file.write_text(config_text(base, "first"))
    with (
        process.start(
            f"--model_config_file={file}", "--model_config_file_poll_wait_seconds=1", "--enable_reload_config"
        ) as server,
        grpc.insecure_channel(server.grpc_address) as channel,
        ThreadPoolExecutor(1) as threads,
    ):
        assert predict(channel, "first") == [3.0]

        file.write_text("no configuration")
        file.write_text(config_text(base, "second"))
        deadline = time.monotonic() + 60
        while "Successfully loaded servable version {name: second" not in server.log.read_text():
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.1)
        assert predict(channel, "second") == [3.0]
        assert code(lambda: predict(channel, "first")) == grpc.StatusCode.NOT_FOUND

        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        request = model_management_pb2.ReloadConfigRequest(metric_names=["/tensorflow/serving/request_count"])
        for name in ("second", "third"):
            request.config.model_config_list.config.add(name=name, base_path=str(base), model_platform="tensorflow")
        file.write_text(config_text(base, "second", "third"))
        answer = stub.HandleReloadConfigRequest(request, timeout=60)
        assert answer.status.error_code == 0
        assert answer.metric[0].name == "/tensorflow/serving/request_count"
        assert predict(channel, "third") == [3.0]

        # A call that waits for a model nobody publishes ends with its deadline, and holds up neither others nor the end.
        request.config.model_config_list.config.add(name="no", base_path=str(tmp_path / "no"), model_platform="tensorflow")
        waiting = threads.submit(stub.HandleReloadConfigRequest, request, timeout=1)
        assert predict(channel, "third") == [3.0]
        assert waiting.exception().code() == grpc.StatusCode.DEADLINE_EXCEEDED  # type: ignore[union-attr]

        request.config.model_config_list.config.add(name="nor", base_path=str(tmp_path / "nor"), model_platform="tensorflow")
        hanging = threads.submit(stub.HandleReloadConfigRequest, request, timeout=120)
        time.sleep(0.5)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(60) == 0
        assert hanging.exception() is not None


@pytest.mark.slow
def test_a_path_without_versions_does_not_hold_up_the_next_configuration(half_plus_two: Path, tmp_path: Path) -> None:
    base = tmp_path / "models"
    models.copy_version(half_plus_two, base / "1")
    good = f'config {{ name: "good" base_path: "{base}" model_platform: "tensorflow" }}'
    bad = f'config {{ name: "bad" base_path: "{tmp_path}/no" model_platform: "tensorflow" }}'
    file = tmp_path / "models.txt"
    file.write_text(f"model_config_list {{ {good} }}")
    with (
        process.start(f"--model_config_file={file}", "--model_config_file_poll_wait_seconds=1") as server,
        grpc.insecure_channel(server.grpc_address) as channel,
    ):
        for text, said in [
            (good + bad, "Gave up waiting for bad"),
            (good.replace("good", "next"), "{name: next version: 1}"),
        ]:
            replaced = tmp_path / "new"
            replaced.write_text(f"model_config_list {{ {text} }}")
            replaced.rename(file)
            deadline = time.monotonic() + 60
            while said not in server.log.read_text():
                assert time.monotonic() < deadline, server.log.read_text()
                time.sleep(0.1)
        while "Successfully loaded servable version {name: next" not in server.log.read_text():
            assert time.monotonic() < deadline, server.log.read_text()
            time.sleep(0.1)
        assert predict(channel, "next") == [3.0]


async def health(address: str, service: str = "") -> int:
    async with grpc.aio.insecure_channel(address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
        return int(answer.status)


def test_a_server_whose_manager_has_died_says_that_it_is_not_serving(half_plus_two: Path, tmp_path: Path) -> None:
    """The manager is killed by a configuration that no check lets through."""
    models.copy_version(half_plus_two, tmp_path / "1")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    async def scenario() -> None:
        server = Server(Flags(port=port, model_base_path=str(tmp_path), drain_seconds=5))
        running = asyncio.create_task(server.run())
        address = f"127.0.0.1:{port}"
        found = 0
        for wanted in (health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING):
            deadline = time.monotonic() + 60
            while found != wanted:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
                with contextlib.suppress(grpc.aio.AioRpcError):
                    found = await health(address)
            if wanted == health_pb2.HealthCheckResponse.SERVING:
                server.manager.set_models({"broken": None})
        assert await health(address, "tensorflow.serving.PredictionService") == wanted
        async with grpc.aio.insecure_channel(address) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            assert list((await stub.Predict(predict_request([2.0], name="default"))).outputs["y"].float_val) == [3.0]
        os.kill(os.getpid(), signal.SIGTERM)
        await running
        server.ended()

    asyncio.run(scenario())


@pytest.mark.slow
def test_a_running_request_is_answered_before_the_server_ends(half_plus_two: Path, tmp_path: Path) -> None:
    models.copy_version(half_plus_two, tmp_path / "1")
    with (
        process.start(f"--model_base_path={tmp_path}") as server,
        grpc.insecure_channel(server.grpc_address) as channel,
        ThreadPoolExecutor(1) as threads,
    ):
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        begun, until = tmp_path / "begun", tmp_path / "until"
        request = predict_request([2.0], signature_name="waiting", begun=str(begun), until=str(until))
        running = threads.submit(stub.Predict, request, timeout=600)
        while not begun.exists():
            assert not running.done(), running.exception()
            time.sleep(0.05)
        server.process.send_signal(signal.SIGTERM)
        while refusal(lambda: predict(channel, "default")) is None:
            time.sleep(0.05)
        assert refusal(lambda: predict(channel, "default")) == grpc.StatusCode.UNAVAILABLE
        assert not running.done()
        until.touch()
        assert list(running.result().outputs["y"].float_val) == [2.0]
        assert server.process.wait(60) == 0


def test_status_of_an_unknown_model_is_not_found(channel: grpc.Channel) -> None:
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "no"
    assert code(lambda: stub.GetModelStatus(request, timeout=20)) == grpc.StatusCode.NOT_FOUND
