"""The executor of InteractionExampleGen: CSV files to tf.Examples on Beam."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import tensorflow as tf
from apache_beam.io.filesystems import FileSystems
from tfx import types
from tfx.components.example_gen.base_example_gen_executor import BaseExampleGenExecutor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs

from components.example_gen.reader import InvalidInputError, Row, read_rows
from transform.features import DECLARATION, Declaration

ROWS_READ = "rows_read"
ROWS_USED = "rows_used"
_FILE_COUNTS = "files"
_REPORT_URI = "_report_uri"


class Executor(BaseExampleGenExecutor):
    """Reads the files of each input split and writes one tf.Example a row: a bytes value a column, an int64 for the label.

    The counts of each file are written beside the examples, as JSON lines, and their sums become the artifact's properties
    `rows_read` and `rows_used`.
    """

    def GetInputSourceToExamplePTransform(self) -> type[beam.PTransform]:
        return _CsvToExamples

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        super().Do(input_dict, output_dict, {**exec_properties, _REPORT_URI: examples.uri})
        counts = read_file_counts(examples.uri)
        for name in (ROWS_READ, ROWS_USED):
            examples.set_int_custom_property(name, sum(count[name] for count in counts))


class _CsvToExamples(beam.PTransform):
    def __init__(self, exec_properties: dict[str, Any], split_pattern: str) -> None:
        super().__init__()
        self._pattern = os.path.join(exec_properties[standard_component_specs.INPUT_BASE_KEY], split_pattern)
        self._report = os.path.join(exec_properties[_REPORT_URI], f"{_FILE_COUNTS}-{os.path.dirname(split_pattern)}")

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        files = sorted(fileio.glob(self._pattern))
        if not files:
            raise InvalidInputError(f"At least one file must match {self._pattern}. Received: none.")
        outputs = (
            pipeline
            | "Files" >> beam.Create(files)
            | "Spread" >> beam.Reshuffle()
            | "Read" >> beam.FlatMap(_read_file, DECLARATION).with_outputs(_FILE_COUNTS, main="examples")
        )
        _ = (
            outputs[_FILE_COUNTS]
            | "ToJson" >> beam.Map(json.dumps)
            | "WriteCounts" >> beam.io.WriteToText(self._report, file_name_suffix=".jsonl", shard_name_template="")
        )
        return outputs["examples"] | "Typed" >> beam.Map(lambda example: example).with_output_types(tf.train.Example)


def read_file_counts(uri: str) -> list[dict[str, Any]]:
    """What was read from each file: dicts of `file`, `rows_read` and `rows_used`. `uri` is that of the examples."""
    counts = []
    for report in sorted(fileio.glob(os.path.join(uri, f"{_FILE_COUNTS}-*.jsonl"))):
        with fileio.open(report) as lines:
            counts += [json.loads(line) for line in lines]
    return counts


def _read_file(file: str, declaration: Declaration) -> Iterator[tf.train.Example | beam.pvalue.TaggedOutput]:
    rows = 0
    with FileSystems.open(file) as lines:
        for row in read_rows(lines, file, declaration):
            rows += 1
            yield to_example(row, declaration)
    if not rows:
        raise InvalidInputError(f"{file}, line 2: A file must hold at least one row. Received: a header only.")
    yield beam.pvalue.TaggedOutput(_FILE_COUNTS, {"file": file, ROWS_READ: rows, ROWS_USED: rows})


def to_example(row: Row, declaration: Declaration) -> tf.train.Example:
    """The row as a tf.Example."""
    example = tf.train.Example()
    feature = example.features.feature
    for column in declaration.columns:
        cell = row.cells[column.name]
        if column.kind == "label":
            feature[column.name].int64_list.value.append(int(cell))
        else:
            feature[column.name].bytes_list.value.append(cell.encode())
    return example
