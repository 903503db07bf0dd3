"""TensorFlow Serving's configuration files, read with its own messages where its Python package has them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.process import RunningServer
from serving.server.protos import BatchingParameters, MonitoringConfig
from tests.serving.support import MODEL

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "serving" / "config"
COMPOSE = ROOT / "serving" / "docker-compose.yaml"


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]["serving"]
    return loaded


def parsed(name: str, message: Any) -> Any:
    return text_format.Parse((CONFIG / name).read_text(), message)


def test_the_models_are_those_that_a_run_publishes(service: dict[str, Any]) -> None:
    (config,) = parsed("models.config", model_server_config_pb2.ModelServerConfig()).model_config_list.config
    assert (config.name, config.base_path, config.model_platform) == (MODEL, f"/models/{MODEL}", "tensorflow")
    assert "${STATE_ROOT:-../var}/serving:/models:ro" in service["volumes"]


def test_batches_pad_candidates_and_are_not_split() -> None:
    """A request split in two whose halves were padded differently cannot be joined again."""
    config = parsed("batching.config", BatchingParameters())
    assert config.pad_variable_length_inputs
    assert not config.HasField("enable_large_batch_splitting")
    assert config.max_batch_size.value > 1


def test_metrics_are_exposed_where_the_readme_says() -> None:
    config = parsed("monitoring.config", MonitoringConfig()).prometheus_config
    assert config.enable
    assert f"curl -s http://localhost:8501{config.path}" in (ROOT / "serving" / "README.md").read_text()


def test_the_image_is_of_the_tensorflow_that_exports(service: dict[str, Any]) -> None:
    version = service["image"].removeprefix("tensorflow/serving:")
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (ours,) = (re.fullmatch(r"tensorflow>=(\d+\.\d+),<.*", d) for d in dependencies if d.startswith("tensorflow>"))
    assert ours is not None
    assert version.startswith(f"{ours[1]}.")
    assert f"`tensorflow/serving:{version}`" in (ROOT / "serving" / "README.md").read_text()


def test_the_container_is_reached_from_this_machine_only(service: dict[str, Any]) -> None:
    assert [port.split(":-127.0.0.1}:")[0] for port in service["ports"]] == ["${BIND_ADDRESS"] * 2


def test_every_file_that_a_flag_names_is_mounted(service: dict[str, Any]) -> None:
    assert "./config:/config:ro" in service["volumes"]
    named = [flag.split("=/config/")[1] for flag in service["command"] if "=/config/" in flag]
    assert sorted(named) == sorted(file.name for file in CONFIG.glob("*.config"))


@pytest.mark.slow
def test_the_health_check_tells_a_model_that_is_there_from_one_that_is_not(
    service: dict[str, Any], server: RunningServer
) -> None:
    kind, *command = service["healthcheck"]["test"]
    assert kind == "CMD"
    port = server.rest_url.rpartition(":")[2]
    served = [part.replace("/8501", f"/{port}") for part in command]
    assert subprocess.run(served, check=False).returncode == 0
    missing = [part.replace(MODEL, "other") for part in served]
    assert subprocess.run(missing, check=False).returncode != 0
