"""The command of a step."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from kubeflow import node_ir
from pipeline.config import RunConfig
from pipeline.fingerprint import tree_fingerprint
from tests.kubeflow.conftest import ROOT
from tests.kubeflow.postgres import Server
from tests.kubeflow.test_postgresql_store import environment

IR = '{"pipelineInfo": {"id": "a-pipeline"}, "nodes": [{"pipelineNode": {"nodeInfo": {"id": "trainer"}}}]}'


def test_a_step_that_kubernetes_ends_says_so() -> None:
    """For example at its timeout; here it waits for a metadata store that is not there."""
    config = RunConfig(data_root="/data", state_root="/state").to_json()
    arguments = ["--run-id", "a-run", "--config", config, "--ir", IR, "--code", tree_fingerprint(*node_ir.CODE)]
    step = subprocess.Popen(
        [sys.executable, "-m", "kubeflow.node", *arguments],
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, **environment(Server("127.0.0.1", 1, "hidden"))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert step.stdout is not None
    while "The metadata store did not open" not in step.stdout.readline():
        assert step.poll() is None
    step.send_signal(signal.SIGTERM)
    _, errors = step.communicate(timeout=60)
    assert "Error: Kubernetes has ended this step: its `timeout_seconds` have passed" in errors
    assert step.returncode == -signal.SIGTERM
