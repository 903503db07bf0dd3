"""Reads what a run has put into the metadata store."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping, Sequence
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

from components.lineage import PIPELINE_RUN
from components.properties import number, text

# ml_metadata ships no types: a metadata_store_pb2.Artifact.
Artifact = Any


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """What the nodes of a run have put out, by node id, then by output key; and which nodes took it from the cache."""

    outputs: Mapping[str, Mapping[str, Sequence[Artifact]]]
    cached: frozenset[str]

    def one(self, node: str, key: str) -> Artifact:
        """The only artifact of an output."""
        (artifact,) = self.outputs[node][key]
        return artifact

    def all(self, node: str, key: str) -> Sequence[Artifact]:
        """The artifacts of an output; none if a resolver has found none."""
        return self.outputs.get(node, {}).get(key, ())


def read_run(store: mlmd.MetadataStore, run_id: str) -> RunRecord:
    """Reads a run from the metadata store. Raises LookupError if it holds no run of this id."""
    context = store.get_context_by_type_and_name(PIPELINE_RUN, run_id)
    if context is None:
        raise LookupError(f"The metadata store holds no run of this id. Received: {run_id!r}.")
    outputs: dict[str, dict[str, list[Artifact]]] = {}
    cached = set()
    for execution in store.get_executions_by_context(context.id):
        node = node_of(store, execution)
        if execution.last_known_state == mlmd_pb2.Execution.CACHED:
            cached.add(node)
        events = [
            event
            for event in store.get_events_by_execution_ids([execution.id])
            if event.type in (mlmd_pb2.Event.OUTPUT, mlmd_pb2.Event.INTERNAL_OUTPUT)
        ]
        artifacts = {a.id: a for a in store.get_artifacts_by_id([event.artifact_id for event in events])}
        for event in events:
            outputs.setdefault(node, {}).setdefault(event.path.steps[0].key, []).append(artifacts[event.artifact_id])
    return RunRecord(outputs, frozenset(cached))


def node_of(store: mlmd.MetadataStore, execution: mlmd_pb2.Execution) -> str:
    """The id of an execution's node."""
    for context in store.get_contexts_by_execution(execution.id):
        if context.type == "node":
            return str(context.name).rsplit(".", 1)[-1]
    return ""


@dataclasses.dataclass(frozen=True)
class Published:
    """A published version: where it lies, and its number."""

    path: str
    version: str


def published(pushed_model: Artifact) -> Published | None:
    """What the pusher has published, or None."""
    if not number(pushed_model, "pushed"):
        return None
    return Published(text(pushed_model, "pushed_destination"), text(pushed_model, "pushed_version"))


def split_sizes(statistics: Artifact, splits: tuple[str, ...]) -> Mapping[str, int]:
    """The number of examples of each split."""
    sizes = {}
    for split in splits:
        proto = statistics_pb2.DatasetFeatureStatisticsList()
        with fileio.open(os.path.join(statistics.uri, f"Split-{split}", "FeatureStats.pb"), "rb") as file:
            proto.ParseFromString(file.read())
        sizes[split] = proto.datasets[0].num_examples
    return sizes
