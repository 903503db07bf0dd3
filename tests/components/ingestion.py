"""Runs the example generator's executor as TFX does, on files in a folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import apache_beam as beam
import tensorflow as tf
from apache_beam.options.pipeline_options import PipelineOptions
from google.protobuf import struct_pb2
from tfx.proto import example_gen_pb2
from tfx.types import artifact, standard_artifacts, standard_component_specs
from tfx.utils import proto_utils

from components.example_gen.configuration import INGESTION
from components.example_gen.executor import Executor
from components.example_gen.reports import read_dead_letters, read_file_counts
from components.example_gen.settings import IngestionSettings
from pipeline.beam import IN_MEMORY
from transform.features import DECLARATION

BY_USER = example_gen_pb2.SplitConfig(
    splits=[
        example_gen_pb2.SplitConfig.Split(name="train", hash_buckets=4),
        example_gen_pb2.SplitConfig.Split(name="eval", hash_buckets=1),
    ],
    partition_feature_name=DECLARATION.group,
)
HEADER = ",".join(column.name for column in DECLARATION.columns).encode()


@dataclasses.dataclass(frozen=True)
class Ingested:
    """What a run has put out."""

    artifact: artifact.Artifact
    folder: Path

    @property
    def letters(self) -> list[tuple[str, int, str]]:
        """File name, line and rule of each dead letter."""
        return [(Path(x["file"]).name, x["line"], x["rule"]) for x in read_dead_letters(str(self.folder))]

    @property
    def counts(self) -> dict[str, tuple[int, int, int]]:
        """Rows read, used and rejected, by file name."""
        counts = read_file_counts(str(self.folder))
        return {Path(x["file"]).name: (x["rows_read"], x["rows_used"], x["rows_rejected"]) for x in counts}

    def number(self, name: str) -> int:
        return self.artifact.get_int_custom_property(name)

    def text(self, name: str) -> str:
        return self.artifact.get_string_custom_property(name)

    def rows(self, split: str) -> list[dict[str, str]]:
        """The cells of a split's examples."""
        return [_cells(example) for example in self.examples(split)]

    def examples(self, split: str) -> list[tf.train.Example]:
        files = sorted(map(str, (self.folder / f"Split-{split}").iterdir()))
        return [tf.train.Example.FromString(r.numpy()) for r in tf.data.TFRecordDataset(files, "GZIP")]


def ingest(
    source: Path,
    out: Path,
    settings: IngestionSettings | None = None,
    inputs: Mapping[str, str] | None = None,
    kept: Path | None = None,
    encode_twice: bool = False,
    options: Sequence[str] = IN_MEMORY,
) -> Ingested:
    """Ingests the files of a folder.

    Args:
        source: The folder.
        out: The artifact's folder.
        settings: The bounds; none are given to the executor by default.
        inputs: The input splits' patterns. By default all files are split by user.
        kept: The stateful working directory, which TFX keeps when an execution fails.
        encode_twice: Gives the custom configuration as JSON within JSON.
        options: Beam's options.
    """
    config = example_gen_pb2.CustomConfig()
    if settings is not None:
        struct = struct_pb2.Struct()
        struct[INGESTION] = settings.to_dict()
        config.custom_config.Pack(struct)
    splits = [example_gen_pb2.Input.Split(name=n, pattern=p) for n, p in (inputs or {"all": "*"}).items()]
    output = example_gen_pb2.Output(split_config=None if inputs else BY_USER)
    custom = proto_utils.proto_to_json(config)
    examples = standard_artifacts.Examples()
    examples.uri = str(out)
    context = Executor.Context(
        make_beam_pipeline_fn=lambda: beam.Pipeline(options=PipelineOptions(list(options))),
        stateful_working_dir=str(kept) if kept else None,
    )
    Executor(context).Do(
        {},
        {standard_component_specs.EXAMPLES_KEY: [examples]},
        {
            standard_component_specs.INPUT_BASE_KEY: str(source),
            standard_component_specs.INPUT_CONFIG_KEY: proto_utils.proto_to_json(example_gen_pb2.Input(splits=splits)),
            standard_component_specs.OUTPUT_CONFIG_KEY: proto_utils.proto_to_json(output),
            standard_component_specs.CUSTOM_CONFIG_KEY: json.dumps(custom) if encode_twice else custom,
            standard_component_specs.OUTPUT_DATA_FORMAT_KEY: example_gen_pb2.FORMAT_TF_EXAMPLE,
            standard_component_specs.OUTPUT_FILE_FORMAT_KEY: example_gen_pb2.FORMAT_TFRECORDS_GZIP,
        },
    )
    return Ingested(examples, out)


@contextlib.contextmanager
def unprivileged() -> Iterator[None]:
    """Root may read everything: what runs in here runs as nobody."""
    user = os.geteuid()
    nobody = 65534
    if user == 0:
        os.seteuid(nobody)
    try:
        yield
    finally:
        os.seteuid(user)


def open_to_all(folder: Path) -> None:
    """Lets everybody pass through a test's folder and those above it, which pytest makes for its own user."""
    for one in (folder, *folder.parents):
        if one == Path(tempfile.gettempdir()):
            break
        one.chmod(0o755)


def write_row(file: Path, text: str) -> None:
    """An Examples file of one row, which tells a text. All rows are of one client."""
    features = {
        name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value.encode()]))
        for name, value in ((DECLARATION.group, "client"), ("text", text))
    }
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        writer.write(tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString())


def row_texts(*files: Path) -> list[str]:
    """The texts of the rows in Examples files, sorted."""
    records = tf.data.TFRecordDataset([str(file) for file in files], "GZIP")
    examples = [tf.train.Example.FromString(record.numpy()) for record in records]
    return sorted(example.features.feature["text"].bytes_list.value[0].decode() for example in examples)


def rows(count: int, prefix: str = "v") -> list[bytes]:
    """Good lines of the default declaration, each of a user of its own."""
    return [f'{i % 2},{prefix}{i},0,1,{i},,,"1,2","3,4",5'.encode() for i in range(count)]


def csv_of(lines: Sequence[bytes], header: bytes) -> bytes:
    return b"".join(line + b"\n" for line in (header, *lines))


def _cells(example: tf.train.Example) -> dict[str, str]:
    return {
        column.name: str(example.features.feature[column.name].int64_list.value[0])
        if column.kind == "label"
        else example.features.feature[column.name].bytes_list.value[0].decode()
        for column in DECLARATION.columns
    }
