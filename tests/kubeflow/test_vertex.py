"""The spec for Vertex AI."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2

from kubeflow.package_config_file import load
from kubeflow.vertex import compile_spec
from pipeline.pipeline import NODES
from tests.kubeflow.conftest import ROOT

pytestmark = pytest.mark.slow
CONFIG = ROOT / "kubeflow" / "vertex.yaml"
OWN_RESOLVERS = {"previous_statistics", "window", "published_later", "past_spans"}


def test_the_spec_holds_every_node_but_the_resolvers_that_vertex_cannot_run(tmp_path: Path) -> None:
    compile_spec(load(CONFIG), tmp_path / "spec.json")
    job = json.loads((tmp_path / "spec.json").read_text())
    spec = json_format.ParseDict(job["pipelineSpec"], pipeline_spec_pb2.PipelineSpec())
    # TFX resolves the baseline in two tasks.
    tasks = {name for name in spec.root.dag.tasks if "latest_blessed_model" not in name}
    assert tasks == set(NODES) - OWN_RESOLVERS - {"latest_blessed_model"}
    assert set(spec.root.dag.tasks["dataset"].dependent_tasks) == {"example_gen", "validation_gate"}
    assert job["runtimeConfig"]["gcsOutputDirectory"] == "gs://community-din/state/pipeline"


def test_equal_configurations_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one.json", "two.json"):
        compile_spec(load(CONFIG), tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_folders_that_vertex_cannot_reach_are_refused(tmp_path: Path) -> None:
    config = dataclasses.replace(load(ROOT / "kubeflow" / "config.yaml"))
    with pytest.raises(ValueError, match="`data_root` must be on gs:// for Vertex AI. Received: /mnt"):
        compile_spec(config, tmp_path / "spec.json")
