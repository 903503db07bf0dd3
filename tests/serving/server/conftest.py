"""One exported version, and one running server, for all tests of the embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from serving.server import process
from tests.serving.server import models
from tests.serving.server.served import Served


@pytest.fixture(scope="session")
def half_plus_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version folder; tests publish copies of it."""
    return models.export(tmp_path_factory.mktemp("half_plus_two") / "1")


@pytest.fixture(scope="session")
def server(half_plus_two: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[process.RunningServer]:
    """Serves versions 7 and 8 of `default`, 7 as `stable`, and version 123 of `tf1`; does not look for more."""
    root = tmp_path_factory.mktemp("models")
    for number in (7, 8):
        models.copy_version(half_plus_two, root / "default" / str(number))
    models.export_tf1(root / "tf1" / "00000123")
    (root / "models.txt").write_text(
        f"""model_config_list {{
          config {{
            name: "default" base_path: "{root}/default" model_platform: "tensorflow"
            model_version_policy {{ all {{}} }} version_labels {{ key: "stable" value: 7 }}
          }}
          config {{ name: "tf1" base_path: "{root}/tf1" model_platform: "tensorflow" }}
        }}"""
    )
    (root / "monitoring.txt").write_text("prometheus_config { enable: true }")
    with process.start(
        f"--model_config_file={root}/models.txt",
        f"--monitoring_config_file={root}/monitoring.txt",
        "--allow_version_labels_for_unavailable_models",
        "--enable_reload_config",
        f"--grpc_socket_path={root}/socket",
        "--file_system_poll_wait_seconds=0",
        "--rest_api_timeout_in_ms=3000",
        "--grpc_max_message_bytes=1000000",
        "--rest_api_max_body_bytes=1000000",
    ) as running:
        yield running


@pytest.fixture
def channel(server: process.RunningServer) -> Iterator[grpc.Channel]:
    """A channel to the running server."""
    with grpc.insecure_channel(server.grpc_address) as opened:
        yield opened


@pytest.fixture
def prediction(channel: grpc.Channel) -> Any:
    """The PredictionService of the running server."""
    return prediction_service_pb2_grpc.PredictionServiceStub(channel)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """A folder of versions, served."""
    served = Served(tmp_path)
    yield served
    served.manager.stop()
