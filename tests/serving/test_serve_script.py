"""`make serve`'s script, run as a person runs it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from serving.client import RankingClient
from tests.interrupt import heed_interrupts
from tests.serving.support import free_port

ROOT = Path(__file__).parents[2]
CANDIDATE = {"post_type": "1", "topic_id": "3", "keyword_id": "4"}
USER = {
    "client_type": "0",
    "follow_topic_id": [],
    "all_topic_fav_7": {},
    "hist_topic_id": ["1"],
    "hist_keyword_id": ["2"],
}


def environment(state: Path, **settings: str) -> dict[str, str]:
    return os.environ | {"STATE_ROOT": str(state), "PORT": str(free_port()), "REST_PORT": str(free_port())} | settings


@pytest.fixture
def state(models: Path, tmp_path: Path) -> Path:
    """A STATE_ROOT with a published model; its name needs quoting."""
    folder = tmp_path / "a state & more"
    folder.mkdir()
    (folder / "serving").symlink_to(models)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("installed", [False, True])
def test_serves_until_interrupted_and_leaves_nothing_behind(state: Path, tmp_path: Path, installed: bool) -> None:
    """`installed`: a tensorflow_model_server is on the PATH; the embedded server, which has its flags, plays it."""
    settings = environment(state)
    if installed:
        binary = tmp_path / "bin" / "tensorflow_model_server"
        binary.parent.mkdir()
        binary.write_text(f'#!/bin/sh\nexec {sys.executable} -m serving "$@"\n')
        binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
        settings["PATH"] = f"{binary.parent}:{settings['PATH']}"
    with subprocess.Popen(
        ["scripts/serve"], cwd=ROOT, env=settings, stdout=subprocess.PIPE, text=True, preexec_fn=heed_interrupts
    ) as script:
        assert script.stdout is not None
        said = []
        for line in script.stdout:
            said.append(line)
            if line.startswith("Ctrl-C"):
                break
        with RankingClient(f"localhost:{settings['PORT']}", deadline=60) as client:
            assert len(client.rank(USER, [CANDIDATE]).scores) == 1
        script.send_signal(signal.SIGINT)
        said += script.stdout
    assert script.returncode == 0, said
    assert said[0].startswith("tensorflow_model_server serves." if installed else "The embedded server serves, at loopback")
    left = subprocess.run(["pgrep", "-f", f"rest_api_port={settings['REST_PORT']}"], capture_output=True, check=False)
    assert left.returncode == 1, left.stdout


def test_nothing_published_is_an_error(tmp_path: Path) -> None:
    run = subprocess.run(["scripts/serve"], cwd=ROOT, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "Nothing is published under" in run.stderr


def published(folder: Path) -> Path:
    model = folder / "serving" / "community-din" / "1" / "saved_model.pb"
    model.parent.mkdir(parents=True)
    model.touch()
    return folder


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"PORT": "http"}, "must be port numbers. Received: 'http'."),
        ({"SERVER": "apache"}, "`SERVER` must be binary, docker or embedded. Received: 'apache'."),
    ],
)
def test_a_setting_that_cannot_be_used_is_an_error(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    env = environment(published(tmp_path), **settings)
    run = subprocess.run(["scripts/serve"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert message in run.stderr


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_is_an_error_with_the_log(tmp_path: Path) -> None:
    env = environment(published(tmp_path), SERVER="embedded", SERVE_PATIENCE="10")
    run = subprocess.run(["scripts/serve"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "Log: " in run.stderr
