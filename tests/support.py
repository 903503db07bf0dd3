"""What several tests share: raw rows, and a transformation without TFX."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder
from tfx_bsl.tfxio import tf_example_record

from pipeline.beam import IN_MEMORY
from transform.declaration import Column, Declaration
from transform.features import DECLARATION
from transform.preprocessing import make_preprocessing_fn
from transform.schema import raw_schema

RawRow = dict[str, str]
TRANSFORMED = "transformed.gz"
CLICKED_ONCE = "clicked-once"


def raw_row(**cells: str) -> RawRow:
    """A row of the default declaration; what is not given has a plain value."""
    row = {
        "act": "1",
        "client_id": "7",
        "client_type": "0",
        "post_type": "1",
        "topic_id": "3",
        "follow_topic_id": "3,0",
        "all_topic_fav_7": "3:0.5,1:0.25",
        "hist_topic_id": "1,3",
        "hist_keyword_id": "2,4",
        "keyword_id": "4",
    }
    return row | cells


EDGE_ROWS = [
    raw_row(),
    raw_row(topic_id="0", keyword_id="0"),
    raw_row(topic_id="never seen", hist_topic_id="also never", hist_keyword_id="nor this"),
    raw_row(follow_topic_id="", all_topic_fav_7="", hist_topic_id="", hist_keyword_id=""),
    raw_row(hist_topic_id=",".join(["1"] * 5 + ["0"] * 49 + ["2"]), hist_keyword_id=",".join(["3"] * 55)),
    raw_row(all_topic_fav_7="3:0,1:0"),
    raw_row(topic_id=CLICKED_ONCE, hist_topic_id=CLICKED_ONCE, hist_keyword_id="0"),
]


def random_rows(declaration: Declaration, count: int, tokens: int = 6, seed: int = 0) -> list[RawRow]:
    """Rows of random tokens '0'... and numbers, for any declaration."""
    rng = random.Random(seed)
    return [_random_row(declaration, rng, tokens) for _ in range(count)]


def rows_of_default(count: int) -> list[RawRow]:
    """Rows of the default declaration; one topic is seen once, another once as a candidate and then in histories."""
    return [
        *random_rows(DECLARATION, count - 4),
        raw_row(topic_id="seen-once"),
        raw_row(topic_id=CLICKED_ONCE),
        *[raw_row(hist_topic_id=f"{CLICKED_ONCE},1")] * 2,
    ]


def _random_row(declaration: Declaration, rng: random.Random, tokens: int) -> RawRow:
    lengths: dict[str | None, int] = {history.name: rng.randrange(8) for history in declaration.histories}
    return {column.name: _random_cell(column, rng, tokens, lengths) for column in declaration.columns}


def _random_cell(column: Column, rng: random.Random, tokens: int, lengths: dict[str | None, int]) -> str:
    def token() -> str:
        return str(rng.randrange(tokens))

    if column.kind == "label":
        return str(rng.randrange(2))
    if column.kind in ("group", "category"):
        return token()
    if column.kind == "numeric":
        return f"{rng.gauss(40.0, 12.0):.2f}"
    if column.kind == "sample_weight":
        return rng.choice(["", "0", "0.5", "2"])
    count = lengths[column.group] if column.kind == "history" else rng.randrange(5)
    if column.kind == "weighted_list":
        return ",".join(f"{token()}:{rng.random():.4f}" for _ in range(count))
    return ",".join(token() for _ in range(count))


def serialized(rows: Sequence[RawRow], declaration: Declaration) -> list[bytes]:
    """The rows as the example generator writes them."""
    examples = []
    for row in rows:
        example = tf.train.Example()
        for column in declaration.columns:
            feature = example.features.feature[column.name]
            if column.kind == "label":
                feature.int64_list.value.append(int(row[column.name]))
            else:
                feature.bytes_list.value.append(row[column.name].encode())
        examples.append(example.SerializeToString())
    return examples


def analyze(
    training_rows: Sequence[RawRow], rows: Sequence[RawRow], declaration: Declaration, folder: Path
) -> tuple[tft.TFTransformOutput, list[dict[str, Any]]]:
    """Analyzes `training_rows`, and transforms `rows` with the result.

    Returns:
        Transform's output, kept in `folder`, and the transformed rows, also kept in `folder`/`TRANSFORMED`, a gzipped
        TFRecord file as TFX's Transform writes.
    """
    tfxio = tf_example_record.TFExampleBeamRecord(["test"], schema=raw_schema(declaration))
    metadata = tfxio.TensorAdapterConfig()
    with (
        beam.Pipeline(options=PipelineOptions(list(IN_MEMORY))) as pipeline,
        tft_beam.Context(temp_dir=str(folder / "tmp"), use_deep_copy_optimization=True),
    ):
        training = (
            pipeline
            | "Training" >> beam.Create(serialized(training_rows, declaration))
            | "TrainingBatches" >> tfxio.BeamSource()
        )
        transform_fn = (training, metadata) | tft_beam.AnalyzeDataset(make_preprocessing_fn(declaration))
        _ = transform_fn | tft_beam.WriteTransformFn(str(folder))
    return tft.TFTransformOutput(str(folder)), _transformed(rows, declaration, folder)


def _transformed(rows: Sequence[RawRow], declaration: Declaration, folder: Path) -> list[dict[str, Any]]:
    output = tft.TFTransformOutput(str(folder))
    tfxio = tf_example_record.TFExampleBeamRecord(["test"], schema=raw_schema(declaration))
    encoder = RecordBatchToExamplesEncoder(output.transformed_metadata.schema)
    with (
        beam.Pipeline(options=PipelineOptions(list(IN_MEMORY))) as pipeline,
        tft_beam.Context(temp_dir=str(folder / "tmp")),
    ):
        raw = pipeline | "Rows" >> beam.Create(serialized(rows, declaration), reshuffle=False)
        batches = raw | "Batches" >> tfxio.BeamSource(batch_size=len(rows))
        transform_fn = pipeline | tft_beam.ReadTransformFn(str(folder))
        transformed, _ = (
            (batches, tfxio.TensorAdapterConfig()),
            transform_fn,
        ) | tft_beam.TransformDataset(output_record_batches=True)
        _ = (
            transformed
            | "Encode" >> beam.FlatMapTuple(lambda batch, _: encoder.encode(batch))
            | "Write" >> beam.io.WriteToTFRecord(str(folder / TRANSFORMED), shard_name_template="")
        )
    return [_decoded(record, output) for record in tf.data.TFRecordDataset(str(folder / TRANSFORMED), "GZIP")]


def _decoded(record: tf.Tensor, output: tft.TFTransformOutput) -> dict[str, Any]:
    parsed = tf.io.parse_single_example(record, output.transformed_feature_spec())
    return {name: value.numpy() for name, value in parsed.items()}
