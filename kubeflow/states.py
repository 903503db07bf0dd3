"""How far the nodes of a run are, by the metadata store."""

from __future__ import annotations

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler.constants import PIPELINE_RUN_CONTEXT_TYPE_NAME

# TFX's type of the contexts that nodes have, named after the pipeline and the node.
_NODE = "node"
State = metadata_store_pb2.Execution.State
DONE = (State.COMPLETE, State.CACHED)


def node_states(store: mlmd.MetadataStore, run_id: str) -> dict[str, int]:
    """The state of each node that the run has started: the one that is done, if there are several, or else the latest."""
    try:
        context = store.get_context_by_type_and_name(PIPELINE_RUN_CONTEXT_TYPE_NAME, run_id)
    except mlmd.errors.NotFoundError:
        return {}
    if context is None:
        return {}
    states: dict[str, int] = {}
    for execution in sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id):
        for of_execution in store.get_contexts_by_execution(execution.id):
            if of_execution.type == _NODE:
                node = str(of_execution.name).rsplit(".", 1)[-1]
                if states.get(node) not in DONE:
                    states[node] = execution.last_known_state
    return states
