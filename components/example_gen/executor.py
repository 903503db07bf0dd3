"""The executor of InteractionExampleGen: CSV and TSV files to tf.Examples and dead letters on Beam."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
from tfx import types
from tfx.components.example_gen import utils, write_split
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs

from components.example_gen.accounting import write_reports
from components.example_gen.configuration import folders_of, settings_of, splits_of
from components.example_gen.encoding import Splits
from components.example_gen.files import FileRange, Snapshot, bundle, find_files, read_headers, take_snapshot
from components.example_gen.layout import passed_over
from components.example_gen.reports import (
    DEAD_LETTERS,
    JSON_LINES,
    ROWS_READ,
    ROWS_USED,
    read_dead_letters,
    read_file_counts,
    totals,
)
from components.example_gen.rules import InvalidInputError
from components.example_gen.settings import IngestionSettings
from components.example_gen.shards import PARTIAL, Shard, WriteShard
from components.example_gen.spans import is_layout_folder
from components.example_gen.verdict import check_files, complaint, top_rules
from transform.features import DECLARATION

__all__ = ["ROWS_READ", "ROWS_USED", "Executor", "read_dead_letters", "read_file_counts"]

IGNORED_COLUMNS = "ignored_columns"
IGNORED_FILES = "ignored_files"
HEADER_ONLY_FILES = "header_only_files"

_NAMED = 20
_log = logging.getLogger(__name__)


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads the files of each input split and writes one tf.Example a row: a bytes value a column, an int64 for the label.

    Rows that break a rule become dead letters beside the examples. The counts of each file are there too, and their sums
    are integer properties of the artifact: `rows_read`, `rows_used`, `rows_rejected`, `blank_lines`, and
    `rejected_<rule id>` for every rule. The text properties `ignored_columns`, `ignored_files` and `header_only_files`
    name what was passed over.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Ingests the files.

        Args:
            input_dict: Empty.
            output_dict: The artifact `examples`.
            exec_properties: `input_base`, `input_config` and `output_config` as stock ExampleGens have them, and
                `custom_config`, whose Struct holds the `IngestionSettings` under "ingestion".

        Raises:
            InvalidInputError: A file cannot be used, too many rows are rejected, or none is left. TFX then deletes the
                output; the dead letters are kept in the execution's stateful working directory, which the message names.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        settings = settings_of(exec_properties)
        splits = splits_of(exec_properties)
        data_root, folders = exec_properties[standard_component_specs.INPUT_BASE_KEY], folders_of(exec_properties)
        before = take_snapshot(data_root, folders)
        found = {name: find_files(os.path.join(data_root, folder)) for name, folder in folders.items()}
        files = read_headers([path for paths in found.values() for path in paths], DECLARATION, settings)
        shards = [
            shard
            for name, paths in found.items()
            for shard in _shards(name, bundle([files[path] for path in paths], settings.range_bytes))
        ]
        self._write(shards, splits, examples, settings)
        _check_unchanged(before, take_snapshot(data_root, folders), exec_properties)
        counts = read_file_counts(examples.uri)
        self._judge(counts, examples.uri, settings)
        notes = {
            IGNORED_COLUMNS: [repr(column) for file in files.values() for column in file.header.others],
            IGNORED_FILES: passed_over(data_root, folders.values(), is_layout_folder),
            HEADER_ONLY_FILES: [count["file"] for count in counts if not count[ROWS_READ]],
        }
        _describe(examples, exec_properties, counts, notes)

    def _write(
        self, shards: Sequence[Shard], splits: Mapping[str, Splits], examples: types.Artifact, settings: IngestionSettings
    ) -> None:
        names = [name for split in splits.values() for name in split.names]
        examples.split_names = artifact_utils.encode_split_names(names)
        # What an attempt that was cut off has left there would be read as part of this one.
        if fileio.exists(examples.uri):
            fileio.rmtree(examples.uri)
        split_uris = {name: artifact_utils.get_split_uri([examples], name) for name in names}
        for uri in split_uris.values():
            fileio.makedirs(uri)
        with self._make_beam_pipeline() as pipeline:
            reports = (
                pipeline
                | "Shards" >> beam.Create(shards)
                | "Spread" >> beam.Reshuffle()
                | "WriteShard" >> beam.ParDo(WriteShard(DECLARATION, settings, splits, examples.uri, split_uris))
                # What was written is not written again when a later step is repeated.
                | "Written" >> beam.Reshuffle()
            )
            write_reports(reports, examples.uri)
        fileio.rmtree(os.path.join(examples.uri, PARTIAL))

    def _judge(self, counts: Sequence[dict[str, Any]], uri: str, settings: IngestionSettings) -> None:
        check_files(counts)
        reason = complaint(counts, settings)
        if not reason:
            return
        kept = self._keep_dead_letters(uri)
        told = [reason, top_rules(counts, read_dead_letters(uri))]
        told += [f"All rejected rows: {kept}/{DEAD_LETTERS}-*{JSON_LINES}"] if kept else []
        raise InvalidInputError("\n".join(part for part in told if part))

    def _keep_dead_letters(self, uri: str) -> str | None:
        """Copies them to where TFX leaves them after a failure. Returns that folder, or None if nothing is kept."""
        folder = self._context.stateful_working_dir if self._context else None
        files = fileio.glob(os.path.join(uri, f"{DEAD_LETTERS}-*{JSON_LINES}"))
        if not folder or not files:
            return None
        fileio.makedirs(folder)
        for file in files:
            fileio.copy(file, os.path.join(folder, os.path.basename(file)), overwrite=True)
        return folder


def _check_unchanged(before: Snapshot, after: Snapshot, exec_properties: Mapping[str, Any]) -> None:
    """Checks that the files are those that the driver has seen: its fingerprint stands for them in the cache and the store.

    Raises:
        InvalidInputError: They are not.
    """
    seen = exec_properties.get(utils.FINGERPRINT_PROPERTY_NAME) or before.fingerprint
    if seen == before.fingerprint == after.fingerprint:
        return
    changed = before.difference(after)
    named = ", ".join(changed[:_NAMED]) if changed else "other files when the run began"
    more = f" and {len(changed) - _NAMED} more" if len(changed) > _NAMED else ""
    raise InvalidInputError(
        f"The files of a span must not change while they are read. Received, as changed, added or removed: {named}{more}. "
        "Run it again once they are complete."
    )


def _shards(split: str, bundles: Sequence[Sequence[FileRange]]) -> list[Shard]:
    numbered = [f"{index:05d}-of-{len(bundles):05d}" for index in range(len(bundles))]
    prefix = write_split.DEFAULT_TF_RECORD_FILE_NAME
    return [
        Shard(f"{split}-{number}", f"{prefix}-{number}.gz", split, ranges)
        for number, ranges in zip(numbered, bundles, strict=True)
    ]


def _describe(
    examples: types.Artifact,
    exec_properties: Mapping[str, Any],
    counts: Sequence[dict[str, Any]],
    notes: Mapping[str, Sequence[str]],
) -> None:
    """Sets the artifact's properties, and logs what was passed over."""
    payload_format = exec_properties.get(standard_component_specs.OUTPUT_DATA_FORMAT_KEY)
    if payload_format:
        examples_utils.set_payload_format(examples, payload_format)
    file_format = exec_properties.get(standard_component_specs.OUTPUT_FILE_FORMAT_KEY)
    if file_format:
        examples_utils.set_file_format(examples, write_split.to_file_format_str(file_format))
    for name, number in totals(counts).items():
        examples.set_int_custom_property(name, number)
    for name, values in notes.items():
        distinct = list(dict.fromkeys(values))
        if distinct:
            more = f" and {len(distinct) - _NAMED} more" if len(distinct) > _NAMED else ""
            text = ", ".join(distinct[:_NAMED]) + more
            examples.set_string_custom_property(name, text)
            _log.warning("%s: %s", name, text)
