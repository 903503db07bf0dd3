"""Starting, changing the configuration, TLS, and ending."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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
from serving.server.main import main
from serving.server.server import Server
from tests.serving.server import models
from tests.serving.server.models import predict_request


def predict(channel: grpc.Channel, name: str) -> list[float]:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return list(stub.Predict(predict_request([2.0], name=name), timeout=20).outputs["y"].float_val)


def code(call: Callable[[], Any]) -> grpc.StatusCode:
    found = refusal(call)
    assert found is not None
    return found


def refusal(call: Callable[[], Any]) -> grpc.StatusCode | None:
    """With which status a call is refused; None if it is answered."""
    try:
        call()
    except grpc.RpcError as error:
        found: grpc.StatusCode = error.code()
        return found
    return None


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "serving", *flags], capture_output=True, text=True, timeout=120, check=False
    )


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


def certificates(folder: Path) -> dict[str, Path]:
    """An authority, and keys and certificates of a server and a client that it signed."""

    def openssl(*arguments: object) -> None:
        subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)

    paths = {f"{who}.{kind}": folder / f"{who}.{kind}" for who in ("ca", "server", "client") for kind in ("key", "crt")}
    new = ("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2)
    openssl(*new, "-subj", "/CN=ca", "-keyout", paths["ca.key"], "-out", paths["ca.crt"])
    for who in ("server", "client"):
        openssl(
            *new, "-subj", f"/CN={who}", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-addext", "basicConstraints=critical,CA:FALSE", "-CA", paths["ca.crt"], "-CAkey", paths["ca.key"],
            "-keyout", paths[f"{who}.key"], "-out", paths[f"{who}.crt"],
        )  # fmt: skip
    return paths


@pytest.mark.slow
def test_tls_admits_callers_with_a_certificate_only(half_plus_two: Path, tmp_path: Path) -> None:
    models.copy_version(half_plus_two, tmp_path / "models" / "1")
    files = certificates(tmp_path)
    quoted = {name: path.read_text().replace("\n", "\\n") for name, path in files.items()}
    config = tmp_path / "ssl.txt"
    config.write_text(
        f'server_key: "{quoted["server.key"]}" server_cert: "{quoted["server.crt"]}" '
        f'custom_ca: "{quoted["ca.crt"]}" client_verify: true'
    )
    authority, key, certificate = (files[name].read_bytes() for name in ("ca.crt", "client.key", "client.crt"))
    with process.start(f"--model_base_path={tmp_path}/models", f"--ssl_config_file={config}") as server:
        known = grpc.ssl_channel_credentials(authority, key, certificate)
        with grpc.secure_channel(server.grpc_address, known) as channel:
            assert predict(channel, "default") == [3.0]
        for refused in (
            grpc.secure_channel(server.grpc_address, grpc.ssl_channel_credentials(authority)),
            grpc.insecure_channel(server.grpc_address),
        ):
            with refused as channel:
                assert code(functools.partial(predict, channel, "default")) == grpc.StatusCode.UNAVAILABLE


def test_a_server_that_cannot_start_says_why(
    server: process.RunningServer, half_plus_two: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad_file = tmp_path / "bad.txt"
    bad_file.write_text("improperly formatted file")
    assert main([f"--model_config_file={bad_file}"]) == 1
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig" in caplog.text
    assert f"INVALID_ARGUMENT: Invalid protobuf file: '{bad_file}'" in caplog.text

    (tmp_path / "broken" / "1").mkdir(parents=True)
    (tmp_path / "broken" / "1" / "saved_model.pb").write_bytes(b"\xff" * 100)
    assert main([f"--model_base_path={tmp_path}/broken", "--max_num_load_retries=0"]) == 1
    assert "Failed to start server. Error: UNKNOWN: 1 model(s) did not become available" in caplog.text

    models.copy_version(half_plus_two, tmp_path / "good" / "1")
    taken = server.grpc_address.rpartition(":")[2]
    assert main([f"--model_base_path={tmp_path}/good", f"--port={taken}"]) == 1
    assert "Failed to bind gRPC" in caplog.text
    taken = server.rest_url.rpartition(":")[2]
    socket = f"--grpc_socket_path={tmp_path}/socket"
    assert main([f"--model_base_path={tmp_path}/good", "--port=0", socket, f"--rest_api_port={taken}"]) == 1
    assert "Failed to bind REST" in caplog.text


def test_an_unknown_flag_ends_the_process_at_once() -> None:
    ended = run("--no_such_flag")
    assert ended.returncode == 2
    assert "unrecognized arguments: --no_such_flag" in ended.stderr


def test_status_of_an_unknown_model_is_not_found(channel: grpc.Channel) -> None:
    stub = model_service_pb2_grpc.ModelServiceStub(channel)
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "no"
    assert code(lambda: stub.GetModelStatus(request, timeout=20)) == grpc.StatusCode.NOT_FOUND
