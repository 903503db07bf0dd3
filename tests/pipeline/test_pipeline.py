"""The graph: what a pipeline of all nodes, and one of those that ingest, consists of."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx.utils.dependency_utils import make_beam_dependency_flags

from pipeline.beam import beam_arguments
from pipeline.config import RunConfig
from pipeline.pipeline import GATES, INGESTION, NODES, create_pipeline


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    return RunConfig(data_root=str(tmp_path), state_root=str(tmp_path / "state"))


def test_every_node_is_described_and_runs_after_its_gate(config: RunConfig) -> None:
    nodes = {node.id: node for node in create_pipeline(config).components}
    assert set(nodes) == set(NODES)
    for gate, guarded in GATES:
        assert nodes[gate] in nodes[guarded].upstream_nodes


def test_ingestion_is_a_pipeline_of_its_own(config: RunConfig) -> None:
    nodes = create_pipeline(config, INGESTION).components
    assert {node.id for node in nodes} == set(INGESTION)
    assert {other.id for node in nodes for other in (*node.upstream_nodes, *node.downstream_nodes)} <= set(INGESTION)


def test_a_runner_without_lineage_still_waits_for_the_gates(config: RunConfig) -> None:
    nodes = {node.id: node for node in create_pipeline(config, lineage=False).components}
    assert nodes["validation_gate"] in nodes["dataset"].upstream_nodes
    assert nodes["vocabulary_validator"] in nodes["trainer"].upstream_nodes


def test_tfx_is_not_packed_for_workers_elsewhere_where_there_are_none(config: RunConfig) -> None:
    arguments = create_pipeline(config).beam_pipeline_args
    assert make_beam_dependency_flags(arguments) == arguments
    assert arguments[:-1] == list(config.beam_pipeline_args)


def test_workers_elsewhere_are_told_nothing_more() -> None:
    elsewhere = ["--runner=PortableRunner", "--environment_type=EXTERNAL"]
    assert beam_arguments(elsewhere) == elsewhere
