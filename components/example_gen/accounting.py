"""The Beam steps that tell what became of the rows: the counts of each file, and the dead letters with their line numbers.

All numbers travel with the data, in the shards' reports, so that repeated attempts do not count twice.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import operator
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence

import apache_beam as beam
from tfx.dsl.io import fileio

from components.example_gen.reports import DEAD_LETTERS, FILE_COUNTS, JSON_LINES, FileCounts, to_json_line
from components.example_gen.shards import RangeKey, RangeReport, ShardReport

# Line 1 is the header.
_FIRST_LINE = 2


def write_reports(reports: beam.PCollection, uri: str) -> beam.PCollection:
    """Writes to the folder `uri` what `ShardReport`s tell: `files-*.jsonl`, and `dead_letters-*.jsonl` if there are any.

    Returns:
        Pairs of a range's key and the line number, from 1, of its first line.
    """
    ranges = reports | "Ranges" >> beam.FlatMap(lambda report: report.ranges)
    lines = (
        ranges
        | "ByFile" >> beam.Map(lambda part: (part.key[:2], part))
        | "RangesOfFile" >> beam.GroupByKey()
        | "FirstLines" >> beam.FlatMapTuple(lambda _, parts: _first_lines(list(parts)))
    )
    _ = reports | "WriteDeadLetters" >> beam.ParDo(_WriteDeadLetters(uri), beam.pvalue.AsDict(lines))
    _ = (
        ranges
        | "Counts" >> beam.Map(lambda part: (part.key[:2], part.counts))
        | "CountsOfFile" >> beam.GroupByKey()
        | "Sums" >> beam.MapTuple(lambda _, counts: _sum_to_json(counts))
        | "WriteCounts" >> beam.io.WriteToText(os.path.join(uri, FILE_COUNTS), file_name_suffix=JSON_LINES, num_shards=1)
    )
    return lines


class _WriteDeadLetters(beam.DoFn):
    """Writes the dead letters of a `ShardReport` in place, with the file's line numbers; no file for a shard without any."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    def process(self, report: ShardReport, first_lines: Mapping[RangeKey, int]) -> Iterator[None]:
        if not any(part.counts.rows_rejected for part in report.ranges):
            return
        split = report.ranges[0].counts.split
        numbered = f"{report.dead_letters}-{uuid.uuid4().hex}"
        with fileio.open(report.dead_letters) as lines, fileio.open(numbered, "w") as out:
            for letter in map(json.loads, lines):
                first = first_lines[split, letter["file"], letter.pop("start")]
                out.write(to_json_line(letter | {"line": first + letter["line"]}))
        fileio.rename(numbered, os.path.join(self._uri, f"{DEAD_LETTERS}-{report.name}{JSON_LINES}"), overwrite=True)
        yield from ()


def _first_lines(reports: Sequence[RangeReport]) -> Iterator[tuple[RangeKey, int]]:
    """The line number, from 1, of the first line of each range of one file."""
    ordered = sorted(reports, key=lambda report: report.start)
    before = itertools.accumulate((report.lines for report in ordered), initial=_FIRST_LINE)
    return zip((report.key for report in ordered), before, strict=False)


def _sum_to_json(counts: Iterable[FileCounts]) -> str:
    total = functools.reduce(operator.add, counts)
    return json.dumps(dataclasses.asdict(total))
