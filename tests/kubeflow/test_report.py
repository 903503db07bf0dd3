"""The last step tells how the run went, and whom it is told to tell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler.constants import PIPELINE_RUN_CONTEXT_TYPE_NAME

from kubeflow import parameters
from kubeflow.store import connection_from_environment, open_store
from pipeline.config import RunConfig
from tests import zygote
from tests.kubeflow.conftest import ROOT
from tests.kubeflow.postgres import Server
from tests.kubeflow.test_postgresql_store import environment
from tests.kubeflow.webhook import Webhook, listening

CONFIG = RunConfig(data_root="/data", state_root="/state")


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with listening() as hook:
        yield hook


def report(variables: dict[str, str], *options: str, real: bool = False) -> subprocess.CompletedProcess[str]:
    """Runs the command, forked, or as a process of its own."""
    values = [word for name, value in parameters.defaults(CONFIG).items() for word in ("--set", name, str(value))]
    arguments = ["--run-id", "a-run", "--config", CONFIG.to_json()]
    arguments += ["--nodes", "example_gen,trainer", "--status", '{"state": "FAILED"}']
    command = [sys.executable, "-m", "kubeflow.report", *arguments, *values, *options]
    whole = {"PYTHONPATH": str(ROOT), "PATH": str(Path(sys.executable).parent), **variables}
    if real:
        return subprocess.run(command, env=whole, capture_output=True, text=True, check=False)
    return zygote.run(command, whole, ROOT)


def put_done(store: mlmd.MetadataStore, run_id: str, node: str) -> None:
    """A node of the run that is done, as TFX's launcher leaves it."""
    contexts = []
    for kind, name in ((PIPELINE_RUN_CONTEXT_TYPE_NAME, run_id), ("node", f"community-din.{node}")):
        type_id = store.put_context_type(metadata_store_pb2.ContextType(name=kind), can_omit_fields=True)
        contexts.append(metadata_store_pb2.Context(type_id=type_id, name=name))
    type_id = store.put_execution_type(metadata_store_pb2.ExecutionType(name="ingestion"))
    execution = metadata_store_pb2.Execution(type_id=type_id, last_known_state=metadata_store_pb2.Execution.State.COMPLETE)
    store.put_execution(execution, [], contexts, reuse_context_if_already_exist=True)


def test_a_failed_run_is_told_to_the_webhook_with_the_nodes_that_are_missing(database: Server, webhook: Webhook) -> None:
    variables = environment(database) | {"NOTIFICATION_WEBHOOK": webhook.address}
    ended = report(variables, "--notify", "failure", real=True)
    assert ended.returncode == 0, ended.stderr
    told = "community-din: run a-run failed: example_gen, trainer did not run."
    assert ended.stdout.endswith(f"{told}\n")
    assert [message["text"] for message in webhook.received] == [told]
    assert webhook.received[0]["kubeflow_status"] == '{"state": "FAILED"}'


def test_a_report_that_is_made_again_tells_nothing_again(database: Server, webhook: Webhook) -> None:
    variables = environment(database) | {"NOTIFICATION_WEBHOOK": webhook.address}
    made_again = ("--notify", "failure", "--run-id", "made-again")
    webhook.status = 503
    assert report(variables, *made_again).returncode == 1
    webhook.status = 200
    assert report(variables, *made_again).returncode == 0
    again = report(variables, *made_again)
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith("The webhook knows it already.\n")
    refused, taken = webhook.received
    assert refused["id"] == taken["id"]
    # Retried by hand, the run ended otherwise.
    assert report(variables, *made_again, "--nodes", "trainer").returncode == 0
    assert webhook.received[-1]["outcome"] == "failed: trainer did not run"
    assert webhook.received[-1]["id"] != taken["id"]


def test_a_run_that_ends_well_after_its_failure_was_told_is_told_once(database: Server, webhook: Webhook) -> None:
    variables = environment(database) | {"NOTIFICATION_WEBHOOK": webhook.address}
    one_node = ("--notify", "failure", "--nodes", "example_gen", "--run-id", "after-all")
    report(variables, *one_node)
    put_done(open_store(connection_from_environment(variables)), "after-all", "example_gen")
    # What it should tell of its artifacts is not there: the report fails, and Kubeflow makes it again.
    for _ in range(2):
        assert "The report is not complete" in report(variables, *one_node).stderr
    assert [message["outcome"] for message in webhook.received] == ["failed: example_gen did not run", "succeeded"]


def test_a_run_that_ends_well_at_once_is_no_failure_to_tell(database: Server, webhook: Webhook) -> None:
    variables = environment(database) | {"NOTIFICATION_WEBHOOK": webhook.address}
    put_done(open_store(connection_from_environment(variables)), "at-once", "example_gen")
    report(variables, "--notify", "failure", "--nodes", "example_gen", "--run-id", "at-once")
    assert webhook.received == []


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
    variables = environment(database) | {"NOTIFICATION_WEBHOOK": webhook.address}
    ended = report(variables, "--notify", "always", "--run-id", "refused")
    assert ended.returncode == 1
    assert "Error: The notification was refused: HTTP 403 Forbidden." in ended.stderr
    assert "secret-path" not in ended.stdout + ended.stderr


@pytest.mark.parametrize("address", ["", "file:///etc/passwd", "http://127.0.0.1:1/secret-path"])
def test_a_webhook_that_cannot_be_reached_is_an_error(database: Server, address: str) -> None:
    variables = environment(database) | {"NOTIFICATION_WEBHOOK": address}
    ended = report(variables, "--notify", "always", "--run-id", "unreached")
    assert ended.returncode == 1
    assert "Error: " in ended.stderr
    assert "secret-path" not in ended.stdout + ended.stderr


def test_a_run_id_that_kubeflow_has_not_filled_in_is_refused(database: Server) -> None:
    ended = report(environment(database), "--run-id", "{{$.pipeline_job_uuid}}")
    assert ended.returncode == 1
    assert "must be the run's id, which Kubeflow Pipelines fills in" in ended.stderr
