"""Scores interaction CSVs without labels by a SavedModel, on Beam."""

from __future__ import annotations

import dataclasses
import os
import shutil
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow.core.protobuf import saved_model_pb2

from components.example_gen.accounting import write_reports
from components.example_gen.files import DataFile, bundle, find_files, read_headers
from components.example_gen.layout import SUFFIXES, check_left_out, entries, named_as_data
from components.example_gen.reports import ROWS_READ, ROWS_REJECTED, ROWS_USED, read_dead_letters, read_file_counts, totals
from components.example_gen.rules import InvalidInputError
from components.example_gen.settings import IngestionSettings
from components.example_gen.shards import PARTIAL, Shard
from components.example_gen.verdict import check_files, complaint, top_rules
from pipeline.scoring.columns import ScoredColumns
from pipeline.scoring.settings import ScoringSettings
from pipeline.scoring.shards import FILE, LINE, SCORE, ScoreShard, WriteScores
from serving.versions import SAVED_MODEL
from transform.declaration import Declaration

_SPLIT = "scores"
_ROW_SIGNATURE = "serving_default"


@dataclasses.dataclass(frozen=True)
class Scored:
    """What became of the rows: `read` = `scored` + `rejected`, and the CSVs of the scores."""

    read: int
    scored: int
    rejected: int
    files: tuple[str, ...]


def score(
    source: str,
    out: str,
    model: str,
    declaration: Declaration,
    ingestion: IngestionSettings,
    scoring: ScoringSettings,
    beam_args: Sequence[str],
) -> Scored:
    """Scores the rows of a file, or of the files of a folder.

    Args:
        source: A data file, or a folder of them. They need neither the label's column nor the group's.
        out: The folder to make; it appears when all scores are in it. It holds a CSV for each shard of the input, with the
            columns `file`, `line`, those that are kept, and `score`, in the order of the input; what became of the rows of
            each file, as beside ingested examples; and dead letters of the rejected rows.
        model: The SavedModel's folder.
        declaration: The declared features.
        ingestion: The bounds of a row, and how many may be rejected.
        scoring: Which columns are kept, and how many rows are scored at a time.
        beam_args: Beam's options.

    Raises:
        FileExistsError: `out` is there.
        InvalidInputError: A file cannot be used, the model has other columns, or too many rows are rejected.
    """
    if os.path.lexists(out):
        raise FileExistsError(f"`OUTPUT` must not be there yet. Received: {out}.")
    # A worker may have another working directory.
    source, model = os.path.abspath(source), os.path.abspath(model)
    paths = _paths(source)
    _check_model(model, declaration)
    files, kept = _headers(paths, declaration, ingestion, scoring)
    bundles = bundle(list(files.values()), ingestion.range_bytes)
    numbered = [f"{_SPLIT}-{number:05d}-of-{len(bundles):05d}" for number in range(len(bundles))]
    shards = [Shard(name, f"{name}.csv", _SPLIT, ranges) for name, ranges in zip(numbered, bundles, strict=True)]
    out = os.path.abspath(out)
    staged = os.path.join(os.path.dirname(out), f".{os.path.basename(out)}-{uuid.uuid4().hex}.partial")
    os.makedirs(staged)
    try:
        columns = ScoredColumns(declaration, kept)
        folder = source if os.path.isdir(source) else os.path.dirname(source)
        with beam.Pipeline(options=PipelineOptions(list(beam_args))) as pipeline:
            reports = (
                pipeline
                | "Shards" >> beam.Create(shards)
                | "Spread" >> beam.Reshuffle()
                | "ScoreShard" >> beam.ParDo(ScoreShard(model, columns, ingestion, scoring.score_batch, staged))
                | "Scored" >> beam.Reshuffle()
            )
            lines = write_reports(reports | "Read" >> beam.Map(lambda report: report.read), staged)
            _ = reports | "WriteScores" >> beam.ParDo(WriteScores(folder, kept, staged), beam.pvalue.AsDict(lines))
        counts = read_file_counts(staged)
        check_files(counts)
        if reason := complaint(counts, ingestion):
            raise InvalidInputError("\n".join(filter(None, [reason, top_rules(counts, read_dead_letters(staged))])))
        shutil.rmtree(os.path.join(staged, PARTIAL))
        os.rename(staged, out)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return _scored(totals(counts), [os.path.join(out, shard.file_name) for shard in shards])


def _scored(sums: Mapping[str, int], files: Sequence[str]) -> Scored:
    return Scored(sums[ROWS_READ], sums[ROWS_USED], sums[ROWS_REJECTED], tuple(files))


def _paths(source: str) -> list[str]:
    if os.path.isdir(source):
        check_left_out(source, entries(source)[1], "the folder itself")
        return find_files(source)
    if not os.path.isfile(source) or not named_as_data(source):
        named = ", ".join(SUFFIXES)
        raise InvalidInputError(f"`INPUT` must be a file named {named}, or a folder of such. Received: {source}.")
    return [source]


def _headers(
    paths: Sequence[str], declaration: Declaration, ingestion: IngestionSettings, scoring: ScoringSettings
) -> tuple[dict[str, DataFile], tuple[str, ...]]:
    """The files by path, and the columns that are kept."""
    files = read_headers(paths, ScoredColumns(declaration), ingestion)
    group = [declaration.group] if all(declaration.group in file.header.others for file in files.values()) else []
    kept = tuple(dict.fromkeys([*group, *scoring.score_columns]))
    if taken := sorted({FILE, LINE, SCORE} & set(kept)):
        raise InvalidInputError(
            f"`SCORE_COLUMNS` must not be named {FILE}, {LINE} or {SCORE}. Received: {', '.join(taken)}."
        )
    return read_headers(paths, ScoredColumns(declaration, kept), ingestion), kept


def _check_model(model: str, declaration: Declaration) -> None:
    """Raises InvalidInputError if the model does not take the declared columns."""
    proto: Any = saved_model_pb2.SavedModel()
    with open(os.path.join(model, SAVED_MODEL), "rb") as file:
        proto.ParseFromString(file.read())
    found = set(proto.meta_graphs[0].signature_def[_ROW_SIGNATURE].inputs)
    if found != set(declaration.serving_columns):
        raise InvalidInputError(
            f"A version must have the declared columns, {', '.join(declaration.serving_columns)}, to score rows of them. "
            f"Received: {model}, with {', '.join(sorted(found))}."
        )
