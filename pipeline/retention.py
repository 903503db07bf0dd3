"""Decides what old state may go: never what a served version, the window or the next run needs."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from tfx.components.evaluator import constants
from tfx.dsl.io import fileio
from tfx.types.standard_artifacts import Examples, ExampleStatistics, ModelBlessing, PushedModel

from components.accepted_spans import accepted_by_data
from components.lineage import PIPELINE_RUN
from components.properties import EXAMPLES_ID, SPAN_NAME, number, text
from components.validation.artifacts import STATISTICS_ID, DataBlessing
from pipeline.results import Artifact


@dataclasses.dataclass(frozen=True)
class Retention:
    """How much is kept.

    Args:
        spans: The newest accepted spans of each data root. The window and the span before it are kept in any case.
        versions: The newest published versions.
        runs: The newest runs, with all they made.
        dead_letter_days: How long the rejected rows of kept spans are kept; they hold user data.
        pinned: Further published versions to keep, such as one that a label of TensorFlow Serving names.

    Raises:
        ValueError: A number is too small.
    """

    spans: int = 30
    versions: int = 3
    runs: int = 3
    dead_letter_days: int = 30
    pinned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name, least in (("spans", 1), ("versions", 1), ("runs", 1), ("dead_letter_days", 0)):
            if getattr(self, name) < least:
                raise ValueError(f"`{name}` must be at least {least}. Received: {getattr(self, name)!r}.")


@dataclasses.dataclass(frozen=True)
class Plan:
    """What goes and what stays: artifacts, published versions (those that go: their folders), runs (their contexts' ids)."""

    artifacts: tuple[Artifact, ...]
    versions: tuple[str, ...]
    runs: tuple[int, ...]
    kept_artifacts: tuple[Artifact, ...]
    kept_versions: tuple[str, ...]
    kept_runs: tuple[int, ...]


def plan(store: mlmd.MetadataStore, serving_root: str, window_spans: int, retention: Retention) -> Plan:
    """What `retention` lets go.

    A run stays, with everything it made or read, if its version stays published, if it is among the newest, or if it made
    the model that was blessed last: that is the next run's baseline. Of the spans that stay, the latest examples and
    statistics stay, whichever run made them. The blessings of accepted spans stay, rows of metadata: they tell a later run
    which spans it could have trained on.
    """
    published = sorted(
        (name.rstrip("/") for name in _listed(serving_root) if name.rstrip("/").isdecimal()), key=int, reverse=True
    )
    versions = {*published[: retention.versions], *retention.pinned}
    runs = sorted(store.get_contexts_by_type(PIPELINE_RUN), key=lambda run: run.id)
    members = {run.id: {a.id: a for a in store.get_artifacts_by_context(run.id)} for run in runs}
    blessed = _last_blessed_model(artifact for made in members.values() for artifact in made.values())
    kept_runs = {run.id for run in runs[-retention.runs :]}
    for run, made in members.items():
        if any(_pushed_version(artifact) in versions for artifact in made.values()):
            kept_runs.add(run)
    made_by = [run for run in sorted(members) if blessed in members[run]]
    kept_runs.update(made_by[:1])
    live = {a.id: a for made in members.values() for a in made.values() if a.state == mlmd_pb2.Artifact.LIVE}
    kept = {key for run in kept_runs for key in members[run]}
    kept |= _of_kept_spans(live.values(), max(retention.spans, window_spans + 1))
    return Plan(
        artifacts=tuple(artifact for key, artifact in sorted(live.items()) if key not in kept),
        versions=tuple(os.path.join(serving_root, name) for name in published if name not in versions),
        runs=tuple(run for run in members if run not in kept_runs),
        kept_artifacts=tuple(artifact for key, artifact in sorted(live.items()) if key in kept),
        kept_versions=tuple(name for name in published if name in versions),
        kept_runs=tuple(sorted(kept_runs)),
    )


def _listed(folder: str) -> list[str]:
    return list(fileio.listdir(folder)) if fileio.isdir(folder) else []


def _pushed_version(artifact: Artifact) -> str:
    if artifact.type != PushedModel.TYPE_NAME:
        return ""
    return text(artifact, "pushed_version")


def _last_blessed_model(artifacts: Iterable[Artifact]) -> int:
    """The id of the newest blessed model; 0 if there is none."""
    return max(
        (
            number(artifact, constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY)
            for artifact in artifacts
            if artifact.type == ModelBlessing.TYPE_NAME
            and number(artifact, constants.ARTIFACT_PROPERTY_BLESSED_KEY) == constants.BLESSED_VALUE
        ),
        default=0,
    )


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
