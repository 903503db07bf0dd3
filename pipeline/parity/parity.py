"""`community-din parity`: served requests beside the model and the data that it was judged by."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence

import ml_metadata as mlmd
import numpy as np
import tensorflow as tf
from ml_metadata.proto import metadata_store_pb2 as mlmd_pb2
from rich.console import Console
from rich.table import Table
from tfx.dsl.io import fileio
from tfx.types.standard_artifacts import Examples

from components.example_gen.spans import EVAL, TRAIN
from components.properties import JUDGED_BY, text
from components.served_model import ServedModel
from components.serving_validator.executor import sample
from components.serving_validator.requests import ROWS
from pipeline.config import RunConfig
from pipeline.known_versions import KnownVersion, known_versions, served
from pipeline.parity.measures import (
    Cells,
    Finding,
    click_findings,
    input_findings,
    oov_findings,
    score_findings,
    scores_of,
)
from pipeline.parity.served_log import ServedRow, joined, read_clicks, read_log
from pipeline.version_lineage import inputs_of
from transform.declaration import Declaration
from transform.features import DECLARATION
from transform.schema import raw_feature_spec


def compare(config: RunConfig, store: mlmd.MetadataStore, log: str, clicks: str = "") -> list[Finding]:
    """Compares what was served with what the models answer now, and with the data of the version that answered most.

    Args:
        config: The configuration.
        store: The metadata store.
        log: The log's file, folder or pattern; see `served_log.read_log`.
        clicks: A CSV of clicks; empty if there is none.

    Raises:
        ValueError: The log or the clicks cannot be used, or no version is there that answered.
    """
    settings = config.parity
    rows = read_log(log, DECLARATION, settings.parity_rows)
    if not rows:
        raise ValueError(f"`LOG` must hold scores. Received: {log!r}, without any.")
    versions = known_versions(store, config.serving_root)
    now = served(versions)
    # Where the log does not tell who answered, as over REST, it was the served version.
    rows = [row if row.version is not None or now is None else dataclasses.replace(row, version=now.number) for row in rows]
    answered = {row.version for row in rows}
    there = {number: version for number, version in versions.items() if number in answered}
    models = {number: ServedModel(version.path, ROWS[0]) for number, version in there.items() if version.path}
    if not models:
        told = ", ".join(sorted({str(row.version) for row in rows}))
        raise ValueError(f"`LOG` must be of a version that is there: {', '.join(map(str, versions))}. Received: {told}.")
    scores = scores_of(rows, models, DECLARATION)
    findings = list(score_findings(rows, scores, settings))
    most = max(models, key=lambda number: sum(row.version == number for row in rows))
    chosen = [row for row in rows if row.version == most]
    data = _data(store, there[most], settings.parity_rows)
    if data is None:
        return [*findings, Finding("inputs", "not compared", 0.0, None, f"the rows of version {most} were pruned")]
    trained, judged, labels = data
    findings += input_findings(chosen, trained, DECLARATION, settings)
    findings += oov_findings([row.cells for row in chosen], judged, models[most], DECLARATION, settings)
    if clicks:
        findings += _clicks(config, chosen, clicks, judged, labels, models[most])
    return findings


def print_findings(findings: Sequence[Finding], console: Console, output: str = "") -> int:
    """Prints what was found, and writes it as JSON. Returns the exit status: 1 if anything alarms, else 0."""
    table = Table(box=None, padding=(0, 2), pad_edge=False)
    for title in ("", "Of", "Measure", "Value", "Bound", ""):
        table.add_column(title, overflow="fold")
    for one in sorted(findings, key=lambda one: not one.alarms):
        bound = "" if one.bound is None else f"{one.bound:.4f}"
        style = "bold red" if one.alarms else ""
        table.add_row("ALARM" if one.alarms else "", one.what, one.measure, f"{one.value:.4f}", bound, one.note, style=style)
    console.print(table)
    alarms = sum(one.alarms for one in findings)
    console.print(f"{alarms} of {len(findings)} comparisons alarm.")
    if output:
        whole = [dataclasses.asdict(one) | {"alarms": one.alarms} for one in findings]
        with open(output, "w", encoding="utf-8") as file:
            file.write(json.dumps({"alarms": alarms, "findings": whole}, indent=1) + "\n")
    return 1 if alarms else 0


def _clicks(
    config: RunConfig,
    rows: Sequence[ServedRow],
    path: str,
    judged: Sequence[Cells],
    labels: Sequence[int],
    model: ServedModel,
) -> list[Finding]:
    found = joined(rows, read_clicks(path, DECLARATION.label), DECLARATION.label)
    share = Finding("clicks", "share of scores with a click or none", len(found) / len(rows))
    if not found:
        raise ValueError(f"`CLICKS` must tell of impressions in the log. Received: {path!r}, of none of {len(rows)}.")
    of_judged = [ServedRow(0, 0, cells, math.nan) for cells in judged]
    judged_scores = np.array(scores_of(of_judged, {0: model}, DECLARATION))
    scores = np.array([rows[place].score for place in found])
    clicks = np.array(list(found.values()), float)
    compared = click_findings(scores, clicks, judged_scores, np.array(labels, float), config.parity)
    return [share, *compared]


def _data(store: mlmd.MetadataStore, version: KnownVersion, count: int) -> tuple[list[Cells], list[Cells], list[int]] | None:
    """Rows that trained a version, rows that judged it and their labels; None if they were pruned."""
    datasets = [] if version.model is None else inputs_of(store, version.model, Examples.TYPE_NAME)
    for dataset in datasets:
        is_there = dataset.state != mlmd_pb2.Artifact.DELETED and fileio.exists(dataset.uri)
        if text(dataset, JUDGED_BY) and is_there:
            examples = Examples()
            examples.set_mlmd_artifact(dataset)
            (trained, _), (judged, labels) = (_cells(sample([examples], split, count)) for split in (TRAIN, EVAL))
            return trained, judged, labels
    return None


def _cells(records: Sequence[bytes], declaration: Declaration = DECLARATION) -> tuple[list[Cells], list[int]]:
    parsed = tf.io.parse_example(list(records), raw_feature_spec(declaration))
    labels = parsed.pop(declaration.label).numpy().tolist()
    columns = {name: [cell.decode(errors="replace") for cell in cells.numpy()] for name, cells in parsed.items()}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)], labels
