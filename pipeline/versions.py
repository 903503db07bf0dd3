"""Tells which versions were published, and what has become of them."""

from __future__ import annotations

import datetime

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from rich.console import Console
from rich.table import Table
from tfx.types.standard_artifacts import ModelEvaluation

from components.evaluation.executor import AUC_OF
from components.properties import EVAL_SPAN, FORCED, TRAIN_SPANS, text
from pipeline.config import RunConfig
from pipeline.known_versions import KnownVersion, blessed_models, known_versions, served
from pipeline.labels import STABLE, read_served
from pipeline.results import Artifact
from pipeline.rollback import ROLLED_BACK

_UNKNOWN = "?"


def print_versions(config: RunConfig, store: mlmd.MetadataStore, console: Console) -> None:
    """Prints a table of all versions that are there, or that the metadata store tells of."""
    versions = known_versions(store, config.serving_root)
    if not versions:
        console.print(f"Nothing is published under {config.serving_root}.", soft_wrap=True)
        return
    labels = read_served(config.serving_root).labels
    now, blessed = versions.get(labels[STABLE]) if labels else served(versions), blessed_models(store)
    baseline = blessed[-1].id if blessed else 0
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in ("Version", "Published", "Judged on", "AUC", "State", "On disk"):
        table.add_column(title, no_wrap=title != "State", overflow="fold")
    for version in versions.values():
        table.add_row(
            str(version.number),
            published_at(version),
            span_of_version(version),
            _auc(store, version.model),
            ", ".join([*_states(version, now, baseline), *(f"label {k}" for k, v in labels.items() if v == version.number)]),
            "yes" if version.path else "removed",
        )
    console.print(table)


def published_at(version: KnownVersion) -> str:
    """When it was published, as it is recorded; versions are numbered by the time."""
    recorded = version.record.get("published")
    if isinstance(recorded, str):
        return recorded
    try:
        return datetime.datetime.fromtimestamp(version.number, datetime.UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return _UNKNOWN


def span_of_version(version: KnownVersion) -> str:
    """The span that judged it, or what trained it where there are none."""
    for one in (version.pushed, version.model):
        if one is not None and text(one, EVAL_SPAN):
            return text(one, EVAL_SPAN)
    recorded = version.record.get("lineage", {})
    return str(recorded.get(EVAL_SPAN) or recorded.get(TRAIN_SPANS) or "")


def evaluation_of(store: mlmd.MetadataStore, model: Artifact) -> Artifact | None:
    """The last evaluation of a model; None if the metadata store tells of none."""
    read = [e.execution_id for e in store.get_events_by_artifact_ids([model.id]) if e.type == mlmd_pb2.Event.INPUT]
    events = store.get_events_by_execution_ids(read) if read else []
    made = store.get_artifacts_by_id([event.artifact_id for event in events if event.type == mlmd_pb2.Event.OUTPUT])
    # An evaluation tells of its candidate; of a baseline the same node has told before.
    found = [one for one in made if one.type == ModelEvaluation.TYPE_NAME and _candidate(store, one) == model.id]
    return max(found, key=lambda one: int(one.id), default=None)


def _candidate(store: mlmd.MetadataStore, evaluation: Artifact) -> int:
    executions = [event.execution_id for event in store.get_events_by_artifact_ids([evaluation.id])]
    for event in store.get_events_by_execution_ids(executions[:1]):
        if event.type == mlmd_pb2.Event.INPUT and event.path.steps[0].key == "model":
            return int(event.artifact_id)
    return 0


def _auc(store: mlmd.MetadataStore, model: Artifact | None) -> str:
    evaluation = None if model is None else evaluation_of(store, model)
    if evaluation is None or AUC_OF[0] not in evaluation.custom_properties:
        return _UNKNOWN
    value, *ends = (
        evaluation.custom_properties[name].double_value for name in AUC_OF if name in evaluation.custom_properties
    )
    return f"{value:.4f}" + (f" [{ends[0]:.4f}, {ends[1]:.4f}]" if len(ends) == 2 else "")


def _states(version: KnownVersion, now: KnownVersion | None, baseline: int) -> list[str]:
    states = []
    if version is now:
        states.append("served")
    if version.model is not None and version.model.id == baseline:
        states.append("baseline")
    if version.taken_back is not None:
        states.append(f"rolled back: {version.taken_back.reason}")
    if to := version.record.get(ROLLED_BACK, {}).get("to"):
        states.append(f"the model of {to} again")
    if version.pushed is not None and (forced := text(version.pushed, FORCED)):
        states.append(f"forced: {forced}")
    return states
