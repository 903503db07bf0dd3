"""Reads logs of served requests: TensorFlow Serving's PredictionLogs in TFRecord files, or a client's JSON lines."""

from __future__ import annotations

import csv
import dataclasses
import glob
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import prediction_log_pb2

from serving.client.cells import candidate_cells, user_cells
from transform.declaration import Declaration
from transform.schema import raw_feature_spec

JSON_LINES = (".json", ".jsonl", ".ndjson")
_SCORE = "score"
_EXAMPLES = "examples"


@dataclasses.dataclass(frozen=True)
class ServedRow:
    """One score that was served.

    Args:
        request: The number of its request in the log.
        version: The version that answered; None if the log does not tell.
        cells: The columns of the user and of the candidate, and what else the log tells of the impression.
        score: The score.
    """

    request: int
    version: int | None
    cells: Mapping[str, str]
    score: float


def read_log(path: str, declaration: Declaration, most: int) -> list[ServedRow]:
    """The scores of a file, of the files of a folder, or of those that a pattern matches, at most so many.

    Raises:
        ValueError: There is no such file, or a line or a record cannot be understood; the message names it.
    """
    files = sorted(str(file) for file in Path(path).rglob("*") if file.is_file()) if os.path.isdir(path) else glob.glob(path)
    if not files:
        raise ValueError(f"`LOG` must name a log of requests, or a folder of such. Received: {path!r}.")
    found: list[ServedRow] = []
    request = 0
    for file in sorted(files):
        for row in _rows(file, declaration):
            request += 1
            found += [ServedRow(request, *one) for one in row]
            if len(found) >= most:
                return found[:most]
    return found


def read_clicks(path: str, label: str) -> list[dict[str, str]]:
    """The rows of a CSV of clicks: the label, and columns that name an impression."""
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ValueError(f"`CLICKS` must be a CSV. Received: {path!r}, {error.strerror}.") from error
    if not rows or any(row.get(label) not in ("0", "1") for row in rows):
        raise ValueError(f"`CLICKS` must have the column {label}, 0 or 1, in each row. Received: {path!r}.")
    return rows


def joined(rows: Sequence[ServedRow], clicks: Sequence[Mapping[str, str]], label: str) -> dict[int, int]:
    """The label of each row that has one, by its place. Rows are joined by all columns that both sides have.

    Raises:
        ValueError: They have none in common.
    """
    keys = [name for name in clicks[0] if name != label and rows and name in rows[0].cells]
    if not keys:
        raise ValueError(
            f"`CLICKS` must have a column that the log has, such as impression_id, or client_id and the candidate's. "
            f"Received: {', '.join(clicks[0])}."
        )
    labels: dict[tuple[str | None, ...], int] = {}
    for click in clicks:
        key = tuple(click[name] for name in keys)
        labels[key] = max(labels.get(key, 0), int(click[label]))
    places = ((place, tuple(row.cells.get(name) for name in keys)) for place, row in enumerate(rows))
    return {place: labels[key] for place, key in places if key in labels}


_One = tuple[int | None, Mapping[str, str], float]


def _rows(file: str, declaration: Declaration) -> Iterator[list[_One]]:
    """The scores of each request of a file."""
    if file.endswith(JSON_LINES):
        with open(file, encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    try:
                        yield _of_line(json.loads(line), declaration)
                    except (ValueError, KeyError, TypeError) as error:
                        raise ValueError(f"{file}:{number} must be a logged ranking. Received: {error}.") from error
        return
    try:
        for record in tf.data.TFRecordDataset(file).as_numpy_iterator():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            if log.HasField("predict_log"):
                yield _of_log(log, declaration)
    except (tf.errors.OpError, DecodeError) as error:
        raise ValueError(f"{file} must be a TFRecord file of PredictionLogs. Received: {str(error)[:200]}.") from error


def _of_line(line: Mapping[str, Any], declaration: Declaration) -> list[_One]:
    user, candidates, scores = user_cells(line["user"], declaration), line["candidates"], line["scores"]
    items = candidate_cells(candidates, declaration)
    ids = line.get("impression_ids") or [None] * len(scores)
    if not len(candidates) == len(scores) == len(ids):
        raise ValueError(f"{len(candidates)} candidates, {len(scores)} scores and {len(ids)} impression_ids")
    known = {name: str(line[name]) for name in ("client_id", "request_id") if line.get(name) is not None}
    return [
        (
            line.get("version"),
            {**user, **items[place], **known, **_id(ids[place])},
            float(score),
        )
        for place, score in enumerate(scores)
    ]


def _id(impression: Any) -> dict[str, str]:
    return {} if impression is None else {"impression_id": str(impression)}


def _of_log(log: Any, declaration: Declaration) -> list[_One]:
    request, response = log.predict_log.request, log.predict_log.response
    if _SCORE not in response.outputs:
        return []
    version = response.model_spec.version.value or log.log_metadata.model_spec.version.value or None
    scores = tf.make_ndarray(response.outputs[_SCORE])
    inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
    if _EXAMPLES in inputs:
        parsed = tf.io.parse_example(inputs[_EXAMPLES], raw_feature_spec(declaration, serving=True))
        inputs = {name: cells.numpy() for name, cells in parsed.items()}
    items = declaration.side_columns("item")
    found: list[_One] = []
    for place in np.ndindex(scores.shape):
        cells = {
            name: (values[place] if values.ndim == scores.ndim else values[place[0]]).decode(errors="replace")
            for name, values in inputs.items()
        }
        # Candidates without any column are padding.
        if any(cells.get(name) for name in items):
            found.append((version, cells, float(scores[place])))
    return found
