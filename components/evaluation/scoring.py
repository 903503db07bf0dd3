"""The Beam steps: counting the rows that train, and scoring those that judge.

A file of examples is read, and what is found written, by the same worker: no row becomes an element of a PCollection. Scored
rows are written in parts of the clients, so that all rows of a client are in one part, and parts are measured one by one.
An attempt that is repeated writes the same files.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio

from components.evaluation.judging import KNOWN_CLIENT, hashed, read_batches
from components.evaluation.simple_models import Counts, SimpleModels
from components.evaluation.sums import Rows
from components.served_model import CALL, served_model
from transform.declaration import Declaration

PARTS = 16
SIMPLE_MODELS = "simple_models.npz"
# The rows of a reading, and of those that a worker keeps before it writes them.
_READING = 4096
_KEPT = 500_000

# A file's number and its path.
NumberedFile = tuple[int, str]


class CountRows(beam.DoFn):
    """Counts items and clients of the files that train, and draws rows for the logistic regression.

    Args:
        declaration: The declared features.
        folder: Where to write.
        sample: The most rows to draw from each file: those of the lowest hashes.
    """

    def __init__(self, declaration: Declaration, folder: str, sample: int) -> None:
        super().__init__()
        self._declaration, self._folder, self._sample = declaration, folder, sample

    def process(self, file: NumberedFile) -> Iterator[int]:
        number, path = file
        counts, drawn = [], _Drawn(self._sample)
        for batch in read_batches(path, self._declaration, _READING):
            counts.append(Counts.of(batch.items, batch.labels, batch.clients))
            drawn.add(batch.records)
            if len(counts) == 64:
                counts = [Counts.together(counts)]
        _write(os.path.join(self._folder, f"counts-{number}.npz"), vars(Counts.together(counts)))
        with tf.io.TFRecordWriter(os.path.join(self._folder, f"sample-{number}")) as writer:
            for record in drawn.records:
                writer.write(record)
        yield number


class _Drawn:
    """The records of the lowest hashes."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._records: list[bytes] = []
        self._hashes: list[int] = []

    def add(self, records: tf.Tensor) -> None:
        if self._most:
            self._records += records.numpy().tolist()
            self._hashes += hashed(records).tolist()
            if len(self._records) > 2 * self._most:
                self._cut()

    def _cut(self) -> None:
        lowest = np.argsort(self._hashes, kind="stable")[: self._most]
        self._records = [self._records[i] for i in lowest]
        self._hashes = [self._hashes[i] for i in lowest]

    @property
    def records(self) -> Sequence[bytes]:
        self._cut()
        return self._records


def read_counts(folder: str, files: int) -> Counts:
    """What `CountRows` has counted in so many files."""
    return Counts.together(Counts(**_read(os.path.join(folder, f"counts-{number}.npz"))) for number in range(files))


def read_sample(folder: str, files: int, most: int) -> Sequence[bytes]:
    """The rows, at most so many, that `CountRows` has drawn from so many files."""
    drawn = _Drawn(most)
    for number in range(files):
        for records in tf.data.TFRecordDataset(os.path.join(folder, f"sample-{number}")).batch(_READING):
            drawn.add(records)
    return drawn.records


class ScoreRows(beam.DoFn):
    """Scores the files that judge by all models.

    Args:
        declaration: The declared features.
        folder: Where `SIMPLE_MODELS` are and where to write.
        paths: The exported models' folders, by name; the first of them tells the features to the logistic regression.
        signature: The signature of the exported models that scores serialized examples.
    """

    def __init__(self, declaration: Declaration, folder: str, paths: Mapping[str, str], signature: str) -> None:
        super().__init__()
        self._declaration, self._folder, self._paths, self._signature = declaration, folder, dict(paths), signature

    def setup(self) -> None:
        self._models = {name: served_model(path, self._signature) for name, path in self._paths.items()}
        with fileio.open(os.path.join(self._folder, SIMPLE_MODELS), "rb") as file:
            self._simple = SimpleModels.from_bytes(file.read())

    def process(self, file: NumberedFile) -> Iterator[int]:
        number, path = file
        kept: list[Rows] = []
        turn = 0
        for batch in read_batches(path, self._declaration, CALL):
            scores = {name: model.scores(batch.records) for name, model in self._models.items()}
            features: dict[str, np.ndarray] = {}
            if self._simple.weights is not None:
                [features] = next(iter(self._models.values())).features(batch.records)
            scores |= self._simple.scores(batch.items, features)
            known = np.where(self._simple.knows(batch.clients), "yes", "no")
            kept.append(Rows(batch.clients, batch.labels, scores, {**batch.slices, KNOWN_CLIENT: known}))
            if len(kept) * CALL >= _KEPT:
                self._write(kept, f"{number}-{turn}")
                kept, turn = [], turn + 1
        if kept:
            self._write(kept, f"{number}-{turn}")
        yield number

    def _write(self, kept: Sequence[Rows], name: str) -> None:
        rows = joined(kept)
        part = rows.clients % PARTS
        for number in range(PARTS):
            chosen = np.flatnonzero(part == number)
            if len(chosen):
                arrays: dict[str, Any] = {"clients": rows.clients[chosen], "labels": rows.labels[chosen]}
                arrays |= {f"score {model}": values[chosen] for model, values in rows.scores.items()}
                arrays |= {f"slice {column}": values[chosen] for column, values in rows.slices.items()}
                _write(os.path.join(part_folder(self._folder, number), f"{name}.npz"), arrays)


def part_folder(folder: str, number: int) -> str:
    """Where the scored rows of a part of the clients are."""
    return os.path.join(folder, f"part-{number}")


def read_parts(folder: str) -> Iterator[Rows]:
    """The scored rows, all rows of a client together, `_KEPT` rows or a part of the clients at a time."""
    waiting: list[Rows] = []
    for number in range(PARTS):
        path = part_folder(folder, number)
        for name in sorted(fileio.listdir(path)) if fileio.exists(path) else ():
            one = _read(os.path.join(path, name))
            waiting.append(Rows(one["clients"], one["labels"], _named(one, "score "), _named(one, "slice ")))
        if sum(len(rows.labels) for rows in waiting) >= _KEPT:
            yield joined(waiting)
            waiting = []
    if waiting:
        yield joined(waiting)


def joined(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts."""
    first = parts[0]
    return Rows(
        np.concatenate([part.clients for part in parts]),
        np.concatenate([part.labels for part in parts]),
        {name: np.concatenate([part.scores[name] for part in parts]) for name in first.scores},
        {name: np.concatenate([part.slices[name] for part in parts]) for name in first.slices},
    )


def numbered(files: Iterable[str]) -> list[NumberedFile]:
    """Files with their numbers."""
    return list(enumerate(files))


def _named(arrays: Mapping[str, np.ndarray], prefix: str) -> dict[str, Any]:
    return {name.removeprefix(prefix): values for name, values in arrays.items() if name.startswith(prefix)}


def _write(path: str, arrays: Mapping[str, np.ndarray]) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    fileio.makedirs(os.path.dirname(path))
    with fileio.open(path, "wb") as file:
        file.write(buffer.getvalue())


def _read(path: str) -> dict[str, np.ndarray]:
    with fileio.open(path, "rb") as file:
        content = io.BytesIO(file.read())
    with np.load(content) as arrays:
        return {name: arrays[name] for name in arrays.files}
