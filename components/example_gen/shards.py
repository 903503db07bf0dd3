"""The Beam steps: each reads a bundle of file ranges and writes one shard of examples per split.

Examples are written where they are made, block by block, and never become elements of a PCollection: in the runner's memory
are only the shards' reports, so that it does not grow with the rows. An attempt writes under names of its own, and moves
what it wrote in place when it is whole: an attempt that is repeated neither adds nor loses rows.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO

import apache_beam as beam
import tensorflow as tf
from tfx.dsl.io import fileio

from components.example_gen.blocks import Block, read_blocks
from components.example_gen.columnar import BlockReader, CheckedBlock
from components.example_gen.columns import ColumnSet
from components.example_gen.encoding import ExampleEncoder, Splits
from components.example_gen.files import READ_ERRORS, FileRange, check_unchanged, describe, opened
from components.example_gen.reports import DEAD_LETTERS, FileCounts, dead_letter, to_json_line
from components.example_gen.settings import IngestionSettings

PARTIAL = ".partial"
# Level 1 takes a quarter of the time of the default, and a third more bytes.
_TF_RECORD = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)

RangeKey = tuple[str, str, int]


@dataclasses.dataclass(frozen=True)
class Shard:
    """What one worker reads and writes at a time.

    Args:
        name: str. Unique among the shards of a run.
        file_name: str. The name of its files, in the folder of each split.
        split: str. The input split.
        ranges: list of FileRange. What it reads.
    """

    name: str
    file_name: str
    split: str
    ranges: Sequence[FileRange]


@dataclasses.dataclass(frozen=True)
class RangeReport:
    """What was read from one range: where it starts, how many lines it has, and what became of them."""

    start: int
    lines: int
    counts: FileCounts

    @property
    def key(self) -> RangeKey:
        return self.counts.split, self.counts.file, self.start


@dataclasses.dataclass(frozen=True)
class ShardReport:
    """What was read for a shard, and where its dead letters are, whose lines are counted from their range's first one."""

    name: str
    ranges: Sequence[RangeReport]
    dead_letters: str


class ShardReader:
    """Reads the ranges of shards, and tells what became of their lines.

    Args:
        columns: The columns to read.
        settings: The bounds of a row.
    """

    def __init__(self, columns: ColumnSet, settings: IngestionSettings) -> None:
        self._columns = columns
        self._settings = settings

    def read(self, shard: Shard, letters: IO[str], use: Callable[[int, CheckedBlock], None]) -> list[RangeReport]:
        """Reads a shard.

        A file that cannot be read is told in the report, so that one run names all of them.

        Args:
            shard: The shard.
            letters: Where the dead letters are written, whose lines are counted from their range's first one.
            use: Gets each block, and the number of its range in the shard.
        """
        reports = []
        for number, part in enumerate(shard.ranges):
            counter = _RangeCounter(part, shard.split)
            try:
                for block, checked in self._read(part):
                    counter.add(block, checked)
                    use(number, checked)
                    letters.write("".join(self._letters(part, checked)))
            except READ_ERRORS as error:
                counter.failure = describe(error)
            reports.append(counter.report())
        return reports

    def _read(self, part: FileRange) -> Iterator[tuple[Block, CheckedBlock]]:
        check_unchanged(part.file)
        reader = BlockReader(part.file.header, self._columns, self._settings)
        with opened(part.file.path) as stream:
            for block in read_blocks(stream, part.start, part.end, self._settings.max_row_bytes):
                yield block, reader.read(block)

    def _letters(self, part: FileRange, checked: CheckedBlock) -> Iterator[str]:
        for line, error in checked.rejected:
            letter = dead_letter(part.file.path, line, error, self._settings.dead_letter_received)
            yield to_json_line(letter | {"start": part.start})


class WriteShard(beam.DoFn):
    """Reads a `Shard`, writes its examples and dead letters, and yields its `ShardReport`.

    Args:
        columns: The declared columns.
        settings: The bounds of a row.
        splits: The output splits of each input split.
        uri: The folder of the examples.
        split_uris: The folder of each output split.
    """

    def __init__(
        self,
        columns: ColumnSet,
        settings: IngestionSettings,
        splits: Mapping[str, Splits],
        uri: str,
        split_uris: Mapping[str, str],
    ) -> None:
        self._columns = columns
        self._reader = ShardReader(columns, settings)
        self._splits = splits
        self._uri = uri
        self._split_uris = split_uris

    def process(self, shard: Shard) -> Iterator[ShardReport]:
        attempt = new_attempt(self._uri, shard)
        splits = self._splits[shard.split]
        written = {name: os.path.join(attempt, name) for name in splits.names}
        letters_path = os.path.join(attempt, DEAD_LETTERS)
        encoder = ExampleEncoder(self._columns)
        with contextlib.ExitStack() as stack:
            writers = [stack.enter_context(tf.io.TFRecordWriter(written[name], _TF_RECORD)) for name in splits.names]
            letters = stack.enter_context(fileio.open(letters_path, "w"))

            def write(_: int, checked: CheckedBlock) -> None:
                for example, split in zip(encoder.encode(checked.rows), splits.assign(checked.rows), strict=True):
                    writers[split].write(example)

            reports = self._reader.read(shard, letters, write)
        for name, path in written.items():
            fileio.rename(path, os.path.join(self._split_uris[name], shard.file_name), overwrite=True)
        yield ShardReport(shard.name, reports, letters_path)


def new_attempt(uri: str, shard: Shard) -> str:
    """Makes a folder for what an attempt to read a shard writes, below `uri`/`PARTIAL`."""
    attempt = os.path.join(uri, PARTIAL, f"{shard.name}-{uuid.uuid4().hex}")
    fileio.makedirs(attempt)
    return attempt


class _RangeCounter:
    def __init__(self, part: FileRange, split: str) -> None:
        self._part = part
        self._split = split
        self._rejected: collections.Counter[str] = collections.Counter()
        self._lines = 0
        self._used = 0
        self._blank = 0
        self.failure = ""

    def add(self, block: Block, checked: CheckedBlock) -> None:
        self._lines += block.lines
        self._used += len(checked.rows)
        self._blank += checked.blank
        self._rejected.update(error.rule.id for _, error in checked.rejected)

    def report(self) -> RangeReport:
        counts = FileCounts(
            file=self._part.file.path,
            split=self._split,
            rows_read=self._lines - self._blank,
            rows_used=self._used,
            rows_rejected=self._rejected.total(),
            blank_lines=self._blank,
            rejected=dict(self._rejected),
            failure=self.failure,
        )
        return RangeReport(self._part.start, self._lines, counts)
