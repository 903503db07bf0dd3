"""The commands of serving/README.md, run as printed."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from serving.server.process import RunningServer
from tests.serving.support import MODEL

ROOT = Path(__file__).parents[2]
README = (ROOT / "serving" / "README.md").read_text()

pytestmark = pytest.mark.slow


def commands(tool: str) -> list[str]:
    """The commands of the shell blocks; a quoted argument may go on over lines."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return [command.strip() for block in blocks for command in re.split(r"\n(?=\w)", block) if command.startswith(tool)]


def asked(part: str) -> str:
    (command,) = (command for command in commands("curl") if part in command)
    return command


@pytest.fixture(scope="module")
def shell(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment where curl finds the test's server at the README's address."""
    home = tmp_path_factory.mktemp("home")
    (home / ".curlrc").write_text(
        f'connect-to = "localhost:8501:{server.rest_url.removeprefix("http://")}"\nfail-with-body\n'
    )
    return os.environ | {"CURL_HOME": str(home), "HOME": str(home)}


def output(command: str, shell: dict[str, str]) -> str:
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, env=shell, cwd=ROOT)
    assert run.returncode == 0, f"{command}\n{run.stdout}\n{run.stderr}"
    return run.stdout


def test_every_curl_command_is_answered(shell: dict[str, str]) -> None:
    assert len(commands("curl")) == 6
    for command in commands("curl"):
        assert output(command, shell)


def test_curl_finds_the_model_available(shell: dict[str, str]) -> None:
    (status,) = json.loads(output(f"curl -s http://localhost:8501/v1/models/{MODEL}", shell))["model_version_status"]
    assert status["state"] == "AVAILABLE"


def test_curl_ranks_two_candidates(shell: dict[str, str]) -> None:
    ((first, second),) = json.loads(output(asked('"rank"'), shell))["outputs"]
    assert 0 < first < 1
    assert 0 < second < 1
    (row,) = json.loads(output(asked('"instances"'), shell))["predictions"]
    assert row == pytest.approx(first, abs=1e-5)


def test_curl_explains_both(shell: dict[str, str]) -> None:
    outputs = json.loads(output(asked('"explain"'), shell))["outputs"]
    assert outputs["tokens_hist_topic_id"] == [["2", "4", "1", "5", "0"]]
    assert [len(weights) for weights in outputs["attention_history"][0]] == [5, 5]


@pytest.fixture
def grpcurl(shell: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """An environment that has grpcurl, or what stands in for it."""
    if shutil.which("grpcurl") is not None:
        return shell
    stand_in = tmp_path / "grpcurl"
    stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {ROOT}/tests/serving/grpcurl.py "$@"\n')
    stand_in.chmod(0o755)
    return shell | {"PATH": f"{tmp_path}{os.pathsep}{shell['PATH']}"}


def test_every_grpcurl_command_is_answered(server: RunningServer, grpcurl: dict[str, str]) -> None:
    """The server's reflection tells what the requests are made of."""
    answers = [output(c.replace("localhost:8500", server.grpc_address), grpcurl) for c in commands("grpcurl")]
    services, status, scores = answers
    assert "tensorflow.serving.PredictionService" in services.splitlines()
    assert json.loads(status)["model_version_status"][0]["state"] == "AVAILABLE"
    assert len(json.loads(scores)["outputs"]["score"]["floatVal"]) == 2


def test_the_python_example_prints_a_ranking(server: RunningServer) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    code = code.replace("localhost:8500", server.grpc_address)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert run.returncode == 0, run.stderr
    assert re.fullmatch(r"([01] 0\.\d{4}\n){2}", run.stdout)


def test_the_signatures_are_those_of_the_export(shell: dict[str, str]) -> None:
    metadata = json.loads(output(f"curl -s http://localhost:8501/v1/models/{MODEL}/metadata", shell))
    served = set(metadata["metadata"]["signature_def"]["signature_def"]) - {"__saved_model_init_op", "transform_features"}
    assert served == set(re.findall(r"^\| `(\w+)` \|.*\|.*\|$", README.split("## Quick start")[0], re.MULTILINE))
