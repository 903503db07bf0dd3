"""Runs a node through TFX's launcher, in a way that can be repeated."""

from __future__ import annotations

from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import constants
from tfx.dsl.io import fileio
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils
from tfx.proto.orchestration import pipeline_pb2

from kubeflow import states
from kubeflow.store import open_store
from pipeline.beam_construction import quick_construction
from pipeline.display import CACHED, DONE
from pipeline.errors import NodeError

State = metadata_store_pb2.Execution.State


def launch(one: pipeline_pb2.Pipeline, run_id: str, connection: metadata_store_pb2.ConnectionConfig) -> str:
    """Runs the node of a pipeline of one node, unless an earlier attempt of this run has.

    Args:
        one: The pipeline of one node.
        run_id: The run's id.
        connection: The metadata store.

    Returns:
        The node's id and what became of it: `done`, or `cached`.

    Raises:
        NodeError: The node did not end well, although its executor raised nothing: TFX only logs that inputs could not be
            resolved.
        Exception: What the executor raised.
    """
    node = one.nodes[0].pipeline_node
    name = node.node_info.id
    runtime_parameter_utils.substitute_runtime_parameter(one, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})
    if states.node_states(open_store(connection), run_id).get(name) in states.DONE:
        return f"{name}: {DONE} by an earlier attempt"
    deployment = runner_utils.extract_local_deployment_config(one)
    node_launcher = _Launcher(
        pipeline_node=node,
        mlmd_connection=_Metadata(connection),
        pipeline_info=one.pipeline_info,
        pipeline_runtime_spec=one.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, name),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, name),
    )
    with quick_construction():
        node_launcher.launch()
    state = states.node_states(open_store(connection), run_id).get(name)
    if state not in states.DONE:
        raise NodeError(name, "its inputs could not be resolved: an earlier step has not put out what this one needs.")
    return f"{name}: {CACHED if state == State.CACHED else DONE}"


class _Launcher(launcher.Launcher):
    """TFX's launcher; it takes up the execution of a killed attempt, here with its output folders cleared."""

    def _prepare_execution(self) -> Any:
        prepared = super()._prepare_execution()
        if prepared.is_execution_needed:
            for artifacts in prepared.execution_info.output_dict.values():
                for artifact in artifacts:
                    if fileio.exists(artifact.uri):
                        fileio.rmtree(artifact.uri)
        return prepared


class _Metadata(metadata.Metadata):
    """TFX's handle of the metadata store, with the store that `open_store` opens."""

    def __enter__(self) -> _Metadata:
        self._store = open_store(self.connection_config)
        self._users += 1
        return self
