"""The stand-in for the server refuses what the real one refuses, or tests against it would prove nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from tests.kubeflow.schedule.kfp_server import API, KfpServer


def post(server: KfpServer, path: str, body: Any) -> requests.Response:
    return requests.post(f"{server.host}{API}/{path}", json=body, timeout=30)


def uploaded(server: KfpServer, content: str) -> requests.Response:
    pipeline = post(server, "pipelines", {"display_name": "p"}).json()["pipeline_id"]
    return requests.post(
        f"{server.host}{API}/pipelines/upload_version",
        params={"pipelineid": pipeline, "name": "v"},
        files={"uploadfile": ("pipeline.yaml", content)},
        timeout=30,
    )


def recurring_run(server: KfpServer, package: Path) -> dict[str, Any]:
    version = uploaded(server, package.read_text()).json()
    experiment = post(server, "experiments", {"display_name": "e"}).json()
    reference = {key: version[key] for key in ("pipeline_id", "pipeline_version_id")}
    return {
        "display_name": "r",
        "experiment_id": experiment["experiment_id"],
        "pipeline_version_reference": reference,
        "runtime_config": {"parameters": {"epochs": 2}},
        "max_concurrency": 1,
        "mode": "ENABLE",
        "trigger": {"cron_schedule": {"cron": "0 0 3 * * *"}},
    }


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, 200),
        ({"schedule": "daily"}, 400),
        ({"max_concurrency": 11}, 400),
        ({"mode": "ON"}, 400),
        ({"no_catchup": "yes"}, 400),
        ({"display_name": ""}, 400),
        ({"trigger": {"cron_schedule": {"cron": "daily at three"}}}, 400),
        ({"trigger": {"cron_schedule": {"expression": "0 0 3 * * *"}}}, 400),
        ({"runtime_config": {"parameters": {"epochs": "2"}}}, 400),
        ({"runtime_config": {"parameters": {"epoch": 2}}}, 400),
        ({"experiment_id": "none"}, 404),
    ],
)
def test_recurring_runs_are_checked(server: KfpServer, package: Path, change: dict[str, Any], status: int) -> None:
    assert post(server, "recurringruns", recurring_run(server, package) | change).status_code == status


@pytest.mark.parametrize(
    ("change", "status"), [({}, 200), ({"schemaVersion": "2.0.0"}, 400), ({"tasks": []}, 400), ({"root": ["dag"]}, 400)]
)
def test_packages_are_checked(server: KfpServer, package: Path, change: dict[str, Any], status: int) -> None:
    spec = yaml.safe_load(package.read_text()) | change
    assert uploaded(server, yaml.safe_dump(spec)).status_code == status


@pytest.mark.parametrize(
    ("version", "policy", "killed"),
    [("2.17.0", "", True), ("2.17.0", "BACKGROUND", True), ("2.17.0", "ORPHAN", False), ("2.15.0", "ORPHAN", True)],
)
def test_a_recurring_run_takes_its_runs_with_it_unless_they_are_orphaned(
    server: KfpServer, package: Path, version: str, policy: str, killed: bool
) -> None:
    server.version = version
    number = post(server, "recurringruns", recurring_run(server, package)).json()["recurring_run_id"]
    run = server.trigger("r")
    query = {"propagation_policy": policy} if policy else {}
    assert requests.delete(f"{server.host}{API}/recurringruns/{number}", params=query, timeout=30).status_code == 200
    assert server.headway.killed == ([run] if killed else [])
    assert server.recurring_runs == {}
