"""The versions that were ever published, as far as the disk and the metadata store tell."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from tfx.types.standard_artifacts import Model, ModelBlessing, PushedModel

from components.latest_blessed_model import blessings_by_model
from components.lineage import lineage
from components.properties import TAKEN_BACK, number, span_of, text
from components.pusher.executor import destination_of
from components.pusher.files import digest_of_version, read_record
from components.pusher.outcome import MODEL, PUSHED, VERSION
from components.pusher.taken_back import TakenBack, read_taken_back
from pipeline.results import Artifact
from serving.versions import published_versions


@dataclasses.dataclass(frozen=True)
class KnownVersion:
    """A version.

    Args:
        number: Its number.
        path: Its folder; None if it is not there any more.
        record: What the pusher keeps with it; empty if it is not there.
        digest: Of its files; empty if it is not there.
        taken_back: That it was taken back; None if it was not.
        model: The model's artifact; None if the metadata store tells of none.
        pushed: What tells of its publication; None likewise.
    """

    number: int
    path: str | None
    record: Mapping[str, Any]
    digest: str
    taken_back: TakenBack | None
    model: Artifact | None
    pushed: Artifact | None


def known_versions(store: mlmd.MetadataStore, base_path: str) -> dict[int, KnownVersion]:
    """All versions by number, oldest first."""
    files = destination_of(base_path).files
    there = published_versions(base_path, files)
    taken = read_taken_back(base_path, files)
    pushed = {int(text(one, VERSION)): one for one in _live(store, PushedModel.TYPE_NAME) if number(one, PUSHED)}
    found = {}
    for version in sorted({*there, *pushed}):
        path = there.get(version)
        digest = digest_of_version(path, files) if path else ""
        one = pushed.get(version)
        model = model_of(store, one) if one is not None else None
        reason = text(model, TAKEN_BACK) if model is not None else ""
        entry = taken.get(digest) or (TakenBack(version, reason, "") if reason else None)
        found[version] = KnownVersion(version, path, read_record(path, files) if path else {}, digest, entry, model, one)
    return found


def model_of(store: mlmd.MetadataStore, pushed: Artifact) -> Artifact | None:
    """The model that was published; None if the metadata store tells of none any more."""
    executions = [event.execution_id for event in store.get_events_by_artifact_ids([pushed.id]) if event.type in _OUTPUTS]
    inputs = [
        event.artifact_id
        for event in store.get_events_by_execution_ids(executions)
        if event.type == mlmd_pb2.Event.INPUT and event.path.steps and event.path.steps[0].key == MODEL
    ]
    return next(iter(store.get_artifacts_by_id(inputs[:1])), None) if inputs else None


_OUTPUTS = (mlmd_pb2.Event.OUTPUT, mlmd_pb2.Event.INTERNAL_OUTPUT)


def blessed_models(store: mlmd.MetadataStore) -> list[Artifact]:
    """The blessed models that were not taken back, in the order in which they become the next one's measure."""
    blessed = blessings_by_model(_Properties(one) for one in _live(store, ModelBlessing.TYPE_NAME))
    models = [one for one in _live(store, Model.TYPE_NAME) if one.id in blessed and not text(one, TAKEN_BACK)]
    spans = {one.id: span_of(lineage(store, one)) for one in models}
    return sorted(models, key=lambda one: (spans[one.id], one.id))


def served(versions: Mapping[int, KnownVersion]) -> KnownVersion | None:
    """The version that servers take: the newest that is there."""
    return max((one for one in versions.values() if one.path), key=lambda one: one.number, default=None)


def _live(store: mlmd.MetadataStore, kind: str) -> list[Artifact]:
    return [one for one in store.get_artifacts_by_type(kind) if one.state != mlmd_pb2.Artifact.DELETED]


@dataclasses.dataclass(frozen=True)
class _Properties:
    """A row of the store with the accessor that TFX's artifacts have."""

    row: Artifact

    def get_int_custom_property(self, name: str) -> int:
        return number(self.row, name)
