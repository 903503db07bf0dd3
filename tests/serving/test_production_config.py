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
from serving.server.protos import MonitoringConfig
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


def test_metrics_are_exposed_where_the_readme_says() -> None:
    config = parsed("monitoring.config", MonitoringConfig()).prometheus_config
    assert config.enable
    assert f"curl -s http://localhost:8501{config.path}" in (ROOT / "serving" / "README.md").read_text()


def test_the_image_is_a_release_that_the_export_is_checked_in(service: dict[str, Any]) -> None:
    """Not newer than the TensorFlow that exports: TensorFlow Serving's releases follow TensorFlow's, months later."""
    found = re.fullmatch(r"\$\{SERVING_IMAGE:-tensorflow/serving:(\d+)\.(\d+)\.(\d+)\}", service["image"])
    assert found is not None
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (ours,) = (re.fullmatch(r"tensorflow>=(\d+)\.(\d+),<.*", d) for d in dependencies if d.startswith("tensorflow>"))
    assert ours is not None
    assert [int(part) for part in found.groups()[:2]] <= [int(part) for part in ours.groups()]
    version = ".".join(found.groups())
    assert f"`tensorflow/serving:{version}`" in (ROOT / "serving" / "README.md").read_text()
    read = re.search(r"^image=\$\((sed .*)\)$", (ROOT / "scripts" / "check_export").read_text(), re.MULTILINE)
    assert read is not None
    assert (
        subprocess.run(read[1], shell=True, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip() == version
    )


def test_the_server_is_told_how_many_threads_it_has(service: dict[str, Any]) -> None:
    """Else it goes by the machine's cores, whatever share of them it was given."""
    told = {flag.split("=")[0] for flag in service["command"]}
    threads = {
        "tensorflow_intra_op_parallelism",
        "tensorflow_inter_op_parallelism",
        "grpc_max_threads",
        "rest_api_num_threads",
    }
    assert {f"--{name}" for name in threads} <= told
    assert service["init"] is True
    assert re.fullmatch(r"\$\{SERVING_USER:-\d+:\d+\}", service["user"])


def test_connections_end_so_that_clients_find_new_servers(service: dict[str, Any]) -> None:
    (arguments,) = (flag.split("=", 1)[1] for flag in service["command"] if "grpc_channel_arguments" in flag)
    found = dict(argument.split("=") for argument in arguments.split(","))
    assert int(found["grpc.max_connection_age_ms"]) <= 300_000
    assert int(found["grpc.max_connection_age_grace_ms"]) >= 10_000


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
