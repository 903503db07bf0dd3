"""The graph: what a pipeline of all nodes, and one of those that ingest, consists of."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx.dsl.components.base.base_beam_component import BaseBeamComponent
from tfx.utils.dependency_utils import make_beam_dependency_flags

from pipeline.beam import BEAM_NODES, BeamSettings
from pipeline.config import RunConfig
from pipeline.pipeline import GATES, INGESTION, NODES, TUNER, TUNING, WARM_START, create_pipeline
from pipeline.strategies import OF_TFX


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    return RunConfig(data_root=str(tmp_path), state_root=str(tmp_path / "state"))


def test_every_node_is_described_and_runs_after_its_gate(config: RunConfig) -> None:
    nodes = {node.id: node for node in create_pipeline(config).components}
    assert set(nodes) == set(NODES)
    for gate, guarded in GATES:
        assert guarded == TUNER or nodes[gate] in nodes[guarded].upstream_nodes


def test_ingestion_is_a_pipeline_of_its_own(config: RunConfig) -> None:
    nodes = create_pipeline(config, INGESTION).components
    assert {node.id for node in nodes} == set(INGESTION)
    assert {other.id for node in nodes for other in (*node.upstream_nodes, *node.downstream_nodes)} <= set(INGESTION)


def test_a_pipeline_without_own_resolvers_still_waits_for_the_gates(config: RunConfig) -> None:
    nodes = {node.id: node for node in create_pipeline(config, strategies=OF_TFX).components}
    assert nodes["validation_gate"] in nodes["dataset"].upstream_nodes
    assert nodes["vocabulary_validator"] in nodes["trainer"].upstream_nodes


def test_each_beam_node_runs_on_its_own_runner_and_tfx_is_packed_for_none(config: RunConfig) -> None:
    beam = BeamSettings(
        beam_runner="flink",
        beam_runner_of={"transform": "memory", "evaluator": "processes"},
        job_endpoint="flink:8099",
        environment_type="EXTERNAL",
        environment_config="pool:50000",
    )
    nodes = [node for node in create_pipeline(config.replace(beam=beam)).components if isinstance(node, BaseBeamComponent)]
    assert sorted(node.id for node in nodes) == sorted(BEAM_NODES)
    for node in nodes:
        arguments = node.executor_spec.beam_pipeline_args
        assert arguments == beam.options(node.id)
        assert make_beam_dependency_flags(arguments) == arguments
        assert ("--job_endpoint=flink:8099" in arguments) == (node.id in ("example_gen", "statistics_gen"))


def test_a_training_that_starts_warm_has_a_node_more_that_only_a_strategy_can_find(config: RunConfig) -> None:
    warm = config.replace(hyperparameters=config.hyperparameters.replace(warm_start=True))
    nodes = {node.id: node for node in create_pipeline(warm).components}
    assert set(nodes) == {*NODES, WARM_START}
    assert nodes[WARM_START] in nodes["trainer"].upstream_nodes
    assert {node.id for node in create_pipeline(warm, INGESTION).components} == set(INGESTION)
    with pytest.raises(ValueError, match="`warm_start` must be false"):
        create_pipeline(warm, strategies=OF_TFX)


def test_tuning_is_a_pipeline_of_its_own_that_trains_and_publishes_nothing(config: RunConfig) -> None:
    nodes = {node.id: node for node in create_pipeline(config, TUNING).components}
    assert set(nodes) == set(TUNING)
    assert nodes["vocabulary_validator"] in nodes[TUNER].upstream_nodes
    assert {"trainer", "evaluator", "pusher"}.isdisjoint(nodes)
