"""Tells where a version comes from: its model, the rows that trained and judged it, their files, and its settings."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from rich.console import Console
from rich.table import Table
from tfx.dsl.io import fileio
from tfx.types.standard_artifacts import Examples

from components.example_gen.reports import ROWS_USED, read_file_counts
from components.lineage import lineage
from components.properties import (
    DATA_NAME,
    DATA_ROOT,
    DECLARATION,
    EVAL_SPAN,
    JUDGED_BY,
    SPAN_NAME,
    TRAIN_SPANS,
    number,
    text,
)
from components.properties import VERSION as SPAN_VERSION
from pipeline.config import RunConfig
from pipeline.known_versions import KnownVersion, known_versions
from pipeline.results import Artifact
from pipeline.versions import published_at
from trainer.exported_settings import SETTINGS_FILE

Line = tuple[str, str]
_GONE = "pruned"


def print_lineage(config: RunConfig, store: mlmd.MetadataStore, version: int | None, console: Console) -> None:
    """Prints all that is known of a version; of the newest one if none is named.

    Raises:
        ValueError: Neither the disk nor the metadata store knows the version.
    """
    versions = known_versions(store, config.serving_root)
    wanted = max(versions, default=0) if version is None else version
    if wanted not in versions:
        known = ", ".join(map(str, versions)) or "none"
        raise ValueError(f"`VERSION` must be a version that was published: {known}. Received: {wanted}.")
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for line in lineage_lines(store, versions[wanted]):
        table.add_row(*line)
    console.print(table)


def lineage_lines(store: mlmd.MetadataStore, version: KnownVersion) -> Iterator[Line]:
    """A title and a text of each fact; what was pruned is named."""
    yield "Version", f"{version.number}, published {published_at(version)}"
    yield "", version.path or f"its folder was {_GONE}"
    if version.taken_back is not None:
        yield "Rolled back", f"{version.taken_back.reason} {version.taken_back.time}".strip()
    if version.model is None:
        yield "Model", f"{_GONE}: the metadata store tells nothing of it"
    else:
        yield "Model", f"{version.model.uri}, artifact {version.model.id}{_state(version.model)}"
        yield from _data(store, version.model)
    yield from _settings(version)


def _data(store: mlmd.MetadataStore, model: Artifact) -> Iterator[Line]:
    origin = lineage(store, model)
    yield "Data", text(origin, DATA_NAME) or text(origin, DATA_ROOT) or f"{_GONE}: unknown"
    yield "", f"trained on {text(origin, TRAIN_SPANS) or 'all files'}; judged by {text(origin, JUDGED_BY)} "
    if judged := text(origin, EVAL_SPAN):
        yield "", f"of {judged}"
    yield "Columns", text(origin, DECLARATION)
    datasets = inputs_of(store, model, Examples.TYPE_NAME)
    dataset = next((one for one in datasets if text(one, JUDGED_BY)), None)
    if dataset is None:
        yield "Dataset", f"{_GONE}: the metadata store tells nothing of its files"
        return
    yield "Dataset", f"{dataset.uri}, artifact {dataset.id}{_state(dataset)}"
    known = inputs_of(store, dataset, Examples.TYPE_NAME)
    for span in sorted(known, key=lambda one: (text(one, SPAN_NAME), one.id)):
        name = text(span, SPAN_NAME) or "all files"
        yield "Span", f"{name}, version {number(span, SPAN_VERSION)}, {number(span, ROWS_USED)} rows{_state(span)}"
        for count in read_file_counts(span.uri) if _is_there(span) else ():
            yield "", f"{count['file']}: {count['rows_used']} rows used, {count['rows_rejected']} rejected"
    missing = {*text(origin, TRAIN_SPANS).split(","), judged} - {text(one, SPAN_NAME) for one in known} - {""}
    if missing:
        yield "Span", f"{', '.join(sorted(missing))}: {_GONE}"


def inputs_of(store: mlmd.MetadataStore, artifact: Artifact, kind: str) -> list[Artifact]:
    """What the execution that has made an artifact has read, of a type."""
    made = (mlmd_pb2.Event.OUTPUT, mlmd_pb2.Event.INTERNAL_OUTPUT)
    executions = [e.execution_id for e in store.get_events_by_artifact_ids([artifact.id]) if e.type in made]
    events = store.get_events_by_execution_ids(executions[:1]) if executions else []
    ids = sorted({event.artifact_id for event in events if event.type == mlmd_pb2.Event.INPUT})
    return [one for one in store.get_artifacts_by_id(ids) if one.type == kind] if ids else []


def _settings(version: KnownVersion) -> Iterator[Line]:
    if version.path is None:
        yield "Settings", _GONE
        return
    path = os.path.join(version.path, "assets.extra", SETTINGS_FILE)
    if not fileio.exists(path):
        yield "Settings", "not told beside the model"
        return
    with fileio.open(path, "r") as file:
        groups = json.loads(file.read())
    for title, settings in groups.items():
        yield title.capitalize(), ", ".join(f"{name}={value}" for name, value in settings.items())


def _is_there(artifact: Artifact) -> bool:
    return bool(artifact.state != mlmd_pb2.Artifact.DELETED and fileio.exists(artifact.uri))


def _state(artifact: Artifact) -> str:
    return "" if _is_there(artifact) else f", {_GONE}"
