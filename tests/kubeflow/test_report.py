"""The last step tells how the run went, and whom it is told to tell."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from pipeline.config import RunConfig
from pipeline.kfp import parameters, run_config_json
from tests import zygote
from tests.kubeflow.conftest import ROOT
from tests.kubeflow.postgres import Server
from tests.kubeflow.test_postgresql_store import environment

CONFIG = RunConfig(data_root="/data", state_root="/state")


class Webhook:
    """An HTTP server that keeps what it is told."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                assert self.headers["Content-Type"] == "application/json"
                hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/secret-path"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    thread = threading.Thread(target=hook.server.serve_forever)
    thread.start()
    yield hook
    hook.server.shutdown()
    thread.join()
    hook.server.server_close()


def report(variables: dict[str, str], *options: str, real: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs the command, forked, or as a process of its own."""
    values = [word for name, value in parameters.defaults(CONFIG).items() for word in ("--set", name, str(value))]
    arguments = ["--run-id", "a-run", "--config", run_config_json.to_json(CONFIG)]
    arguments += ["--nodes", "example_gen,trainer", "--status", '{"state": "FAILED"}']
    command = [sys.executable, "-m", "pipeline.kfp.report", *arguments, *values, *options]
    whole = {"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent), **variables}
    if real:
        return subprocess.run(command, env=whole, capture_output=True, text=True, check=False)
    return zygote.run(command, whole, ROOT)


def test_a_failed_run_is_told_to_the_webhook_with_the_nodes_that_are_missing(database: Server, webhook: Webhook) -> None:
    variables = environment(database) | {"NOTIFICATION_WEBHOOK": webhook.address}
    ended = report(variables, "--notify", "failure", real=True)
    assert ended.returncode == 0, ended.stderr
    told = "community-din: run a-run failed: example_gen, trainer did not run."
    assert ended.stdout.endswith(f"{told}\n")
    assert [message["text"] for message in webhook.received] == [told]
    assert webhook.received[0]["kubeflow_status"] == '{"state": "FAILED"}'


def test_without_a_notification_nobody_is_told(database: Server, webhook: Webhook) -> None:
    assert report(environment(database) | {"NOTIFICATION_WEBHOOK": webhook.address}).returncode == 0
    assert not webhook.received


def test_a_run_whose_metadata_store_cannot_be_read_is_told_as_failed(webhook: Webhook) -> None:
    ended = report({"NOTIFICATION_WEBHOOK": webhook.address}, "--notify", "failure")
    assert ended.returncode == 1
    assert "Error: The report is not complete: The metadata store needs these environment variables." in ended.stderr
    assert "the metadata store could not be read" in webhook.received[0]["text"]


def test_a_webhook_that_refuses_is_an_error_that_does_not_show_its_address(database: Server, webhook: Webhook) -> None:
    webhook.status = 403
    ended = report(environment(database) | {"NOTIFICATION_WEBHOOK": webhook.address}, "--notify", "always")
    assert ended.returncode == 1
    assert "Error: The notification was refused: HTTP 403 Forbidden." in ended.stderr
    assert "secret-path" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("address", ["", "file:///etc/passwd", "http://127.0.0.1:1/secret-path"])
def test_a_webhook_that_cannot_be_reached_is_an_error(database: Server, address: str) -> None:
    ended = report(environment(database) | {"NOTIFICATION_WEBHOOK": address}, "--notify", "always")
    assert ended.returncode == 1
    assert "Error: " in ended.stderr
    assert "secret-path" not in ended.stdout + ended.stderr


def test_a_run_id_that_kubeflow_has_not_filled_in_is_refused(database: Server) -> None:
    ended = report(environment(database), "--run-id", "{{$.pipeline_job_uuid}}")
    assert ended.returncode == 1
    assert "must be the run's id, which Kubeflow Pipelines fills in" in ended.stderr
