"""The Beam steps of bulk scoring: each scores a bundle of file ranges, and writes one CSV of scores.

As with examples, rows never become elements of a PCollection: a block of lines is read, scored and written.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from tfx.dsl.io import fileio

from components.example_gen.columnar import CheckedBlock
from components.example_gen.encoding import ExampleEncoder
from components.example_gen.reports import DEAD_LETTERS
from components.example_gen.settings import IngestionSettings
from components.example_gen.shards import RangeKey, Shard, ShardReader, ShardReport, new_attempt
from pipeline.scoring.columns import ScoredColumns
from trainer.exported_settings import largest_request

SIGNATURE = "serve_examples"
SCORE = "score"
# Of each row: its file, relative to the input, and its line in it, from 1.
FILE, LINE = "file", "line"


@dataclasses.dataclass(frozen=True)
class ScoreReport:
    """What was read for a shard, the file of each of its ranges' scores, and what to call their whole.

    The lines in these files are counted from their range's first one.
    """

    read: ShardReport
    written: Sequence[str]
    file_name: str


class ScoreShard(beam.DoFn):
    """Reads a `Shard`, scores its rows, and yields its `ScoreReport`.

    Args:
        model: The SavedModel's folder.
        columns: The columns to read.
        settings: The bounds of a row.
        batch: How many rows are scored at a time.
        out: The folder of the scores.
    """

    def __init__(self, model: str, columns: ScoredColumns, settings: IngestionSettings, batch: int, out: str) -> None:
        self._path = model
        self._columns = columns
        self._settings = settings
        self._batch = batch
        self._out = out
        self._model: Any = None

    def setup(self) -> None:
        self._model = tf.saved_model.load(self._path)
        self._batch = min(self._batch, largest_request(self._path))

    def process(self, shard: Shard) -> Iterator[ScoreReport]:
        attempt = new_attempt(self._out, shard)
        paths = [os.path.join(attempt, f"range-{number:05d}") for number in range(len(shard.ranges))]
        for path in paths:
            open(path, "w").close()
        letters_path = os.path.join(attempt, DEAD_LETTERS)
        encoder = ExampleEncoder(ScoredColumns(self._columns.declaration))

        def write(number: int, checked: CheckedBlock) -> None:
            scores = self._scores(encoder.encode(checked.rows))
            kept = [checked.rows[name].to_pylist() for name in self._columns.kept]
            with open(paths[number], "a", encoding="utf-8", newline="") as out:
                for line, score, *cells in zip(checked.lines.tolist(), scores, *kept, strict=True):
                    out.write(f"{line}\t{_csv_line([*cells, f'{score:.9g}'])}")

        with fileio.open(letters_path, "w") as letters:
            reports = ShardReader(self._columns, self._settings).read(shard, letters, write)
        yield ScoreReport(ShardReport(shard.name, reports, letters_path), paths, shard.file_name)

    def _scores(self, examples: Sequence[bytes]) -> list[float]:
        """The scores of serialized tf.Examples; their neighbours in a batch change nothing but the last digit."""
        score = self._model.signatures[SIGNATURE]
        batches = [examples[start : start + self._batch] for start in range(0, len(examples), self._batch)]
        found = [score(examples=tf.constant(batch))[SCORE].numpy() for batch in batches]
        return np.concatenate(found).tolist() if found else []


class WriteScores(beam.DoFn):
    """Writes the scores of a `ScoreReport` in place, with the names and the line numbers of the files they are of.

    Args:
        folder: The folder that the files' names are relative to.
        kept: The names of the columns beside the scores.
        out: The folder of the scores.
    """

    def __init__(self, folder: str, kept: Sequence[str], out: str) -> None:
        self._folder = folder
        self._kept = kept
        self._out = out

    def process(self, report: ScoreReport, first_lines: Mapping[RangeKey, int]) -> Iterator[None]:
        whole = os.path.join(os.path.dirname(report.read.dead_letters), uuid.uuid4().hex)
        with open(whole, "w", encoding="utf-8", newline="") as out:
            out.write(_csv_line([FILE, LINE, *self._kept, SCORE]))
            for part, path in zip(report.read.ranges, report.written, strict=True):
                name = _csv_line([os.path.relpath(part.counts.file, self._folder)]).rstrip("\n")
                with open(path, encoding="utf-8", newline="\n") as lines:
                    for line, _, rest in (text.partition("\t") for text in lines):
                        out.write(f"{name},{first_lines[part.key] + int(line)},{rest}")
        os.replace(whole, os.path.join(self._out, report.file_name))
        yield from ()


def _csv_line(cells: Sequence[object]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
