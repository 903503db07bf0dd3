"""Decides what old state may go: never what a served version, the window or the next run needs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from tfx.components.evaluator import constants
from tfx.dsl.io import fileio
from tfx.types.standard_artifacts import Examples, ExampleStatistics, ModelBlessing, PushedModel

from components.accepted_spans import accepted_by_data
from components.artifacts import STATISTICS_ID, DataBlessing
from components.lineage import PIPELINE_RUN
from components.properties import EXAMPLES_ID, SPAN_NAME, TAKEN_BACK, number, text
from components.pusher.files import digest_of_version
from components.pusher.taken_back import read_taken_back
from pipeline.labels import read_served
from pipeline.results import Artifact
from pipeline.retention_settings import RetentionSettings
from serving.versions import published_versions


@dataclasses.dataclass(frozen=True)
class Plan:
    """What goes and what stays: artifacts, published versions (those that go: their folders), runs (their contexts' ids)."""

    artifacts: tuple[Artifact, ...]
    versions: tuple[str, ...]
    runs: tuple[int, ...]
    kept_artifacts: tuple[Artifact, ...]
    kept_versions: tuple[str, ...]
    kept_runs: tuple[int, ...]


def plan(store: mlmd.MetadataStore, serving_root: str, window_spans: int, retention: RetentionSettings) -> Plan:
    """What `retention` lets go.

    A run stays, with everything it made or read, if its version stays published, if it is among the newest, or if it made
    the model that was blessed last: that is the next run's baseline. Of the spans that stay, the latest examples and
    statistics stay, whichever run made them. The blessings of accepted spans stay, rows of metadata: they tell a later run
    which spans it could have trained on.
    """
    published = [os.path.basename(path) for path in reversed(published_versions(serving_root, fileio).values())]
    taken_back = read_taken_back(serving_root, fileio)
    good = [
        name
        for name in published
        if not taken_back or digest_of_version(os.path.join(serving_root, name), fileio) not in taken_back
    ]
    versions = {*good[: retention.keep_versions], *retention.pinned, *map(str, read_served(serving_root).versions)}
    runs = sorted(store.get_contexts_by_type(PIPELINE_RUN), key=lambda run: run.id)
    members = {run.id: {a.id: a for a in store.get_artifacts_by_context(run.id)} for run in runs}
    blessed = _last_blessed_model({key: artifact for made in members.values() for key, artifact in made.items()})
    kept_runs = {run.id for run in runs[-retention.keep_runs :]}
    for run, made in members.items():
        if any(_pushed_version(artifact) in versions for artifact in made.values()):
            kept_runs.add(run)
    made_by = [run for run in sorted(members) if blessed in members[run]]
    kept_runs.update(made_by[:1])
    live = {a.id: a for made in members.values() for a in made.values() if a.state == mlmd_pb2.Artifact.LIVE}
    kept = {key for run in kept_runs for key in members[run]}
    kept |= _of_kept_spans(live.values(), max(retention.keep_spans, window_spans + 1))
    return Plan(
        artifacts=tuple(artifact for key, artifact in sorted(live.items()) if key not in kept),
        versions=tuple(os.path.join(serving_root, name) for name in published if name not in versions),
        runs=tuple(run for run in members if run not in kept_runs),
        kept_artifacts=tuple(artifact for key, artifact in sorted(live.items()) if key in kept),
        kept_versions=tuple(name for name in published if name in versions),
        kept_runs=tuple(sorted(kept_runs)),
    )


def _pushed_version(artifact: Artifact) -> str:
    if artifact.type != PushedModel.TYPE_NAME:
        return ""
    return text(artifact, "pushed_version")


def _last_blessed_model(artifacts: Mapping[int, Artifact]) -> int:
    """The id of the newest blessed model that was not taken back; 0 if there is none."""
    blessed = [
        number(artifact, constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
        for artifact in artifacts.values()
        if artifact.type == ModelBlessing.TYPE_NAME
        and number(artifact, constants.ARTIFACT_PROPERTY_BLESSED_KEY) == constants.BLESSED_VALUE
    ]
    return max((key for key in blessed if key not in artifacts or not text(artifacts[key], TAKEN_BACK)), default=0)


def _of_kept_spans(live: Iterable[Artifact], spans: int) -> set[int]:
    """The ids of what the newest accepted spans of each data root consist of, and of all blessings of spans.

    A blessing that was replaced tells, too: in which folder the data lay when its span was ingested.
    """
    kinds: dict[str, list[Artifact]] = {}
    for artifact in live:
        kinds.setdefault(artifact.type, []).append(artifact)
    blessings = kinds.get(DataBlessing.TYPE_NAME, [])
    kept = {blessing.id for blessing in blessings if text(blessing, SPAN_NAME)}
    for kind, link in ((Examples, EXAMPLES_ID), (ExampleStatistics, STATISTICS_ID)):
        for accepted in accepted_by_data(kinds.get(kind.TYPE_NAME, []), blessings, link):
            kept |= {one.blessing.id for one in accepted}
            kept |= {subject.id for subject in [one.subject for one in accepted if one.subject is not None][-spans:]}
    return kept
