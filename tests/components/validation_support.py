"""What the tests of statistics and validation share: days of rows, and their statistics through the real executor."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa
import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, ExampleStatistics

from components.statistics_gen.executor import Executor, token_options
from components.statistics_gen.tokens import split_batch
from data.synthesize.interests import InterestConfig
from data.synthesize.synthesis import SynthesisConfig, generate_chunks

# It must come after TFX, which the components import first (`components/statistics_gen/__init__.py`).
from pipeline.beam import IN_MEMORY
from tests.support import RawRow, serialized
from transform.features import DECLARATION

# It must come after TFX, which the components import first (`components/statistics_gen/__init__.py`).
from tensorflow_data_validation.statistics import stats_impl  # isort: skip

TRAIN = "train"
EVAL = "eval"


def day(rows: int, span: int = 0, topics: int = 6, keywords: int = 6) -> list[RawRow]:
    """The rows of one synthetic span; spans differ by chance only."""
    interests = InterestConfig(topics=topics, keywords=keywords)
    config = SynthesisConfig(rows=rows * 4, spans=4, seed=5, interests=interests)
    names = [column.name for column in DECLARATION.columns]
    return [dict(zip(names, row, strict=True)) for chunk, _ in generate_chunks(config, span) for row in chunk]


def by_user(rows: list[RawRow]) -> dict[str, list[RawRow]]:
    """The rows in two splits, all rows of a user in one."""
    splits: dict[str, list[RawRow]] = {TRAIN: [], EVAL: []}
    for row in rows:
        splits[EVAL if random.Random(row["client_id"]).random() < 0.2 else TRAIN].append(row)
    return splits


def changed(rows: list[RawRow], share: float, change: Callable[[RawRow], RawRow]) -> list[RawRow]:
    """The rows, a share of them replaced."""
    rng = random.Random(0)
    return [row | change(row) if rng.random() < share else row for row in rows]


def as_arrow(rows: list[RawRow]) -> pa.RecordBatch:
    """The rows as a batch of raw examples."""

    def values(name: str, is_label: bool) -> pa.Array:
        cells = [[int(row[name])] if is_label else [row[name].encode()] for row in rows]
        return pa.array(cells, pa.list_(pa.int64() if is_label else pa.binary()))

    return pa.RecordBatch.from_pydict({c.name: values(c.name, c.kind == "label") for c in DECLARATION.columns})


def statistics_in_memory(rows: list[RawRow]) -> statistics_pb2.DatasetFeatureStatisticsList:
    """What the executor computes, without the seconds that Beam takes to start."""
    batch = split_batch(as_arrow(rows), DECLARATION)
    return stats_impl.generate_statistics_in_memory(batch, token_options(DECLARATION))


def write_examples(splits: Mapping[str, list[RawRow]], folder: Path) -> Examples:
    """Raw examples on disk, as the example generator writes them."""
    examples = Examples()
    examples.uri = str(folder)
    examples.split_names = artifact_utils.encode_split_names(list(splits))
    for split, rows in splits.items():
        (folder / f"Split-{split}").mkdir(parents=True)
        path = str(folder / f"Split-{split}" / "data-00000-of-00001.gz")
        with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions("GZIP")) as writer:
            for record in serialized(rows, DECLARATION):
                writer.write(record)
    return examples


def statistics_of(splits: Mapping[str, list[RawRow]], folder: Path) -> ExampleStatistics:
    """The statistics of examples, by the component's executor."""
    examples = write_examples(splits, folder / "examples")
    examples.id = 7
    examples.set_int_custom_property("span", 3)
    examples.set_int_custom_property("version", 2)
    examples.set_string_custom_property("span_name", "2026-01-04")
    examples.set_string_custom_property("data_root", "/data")
    statistics = ExampleStatistics()
    statistics.uri = str(folder / "statistics")
    context = Executor.Context(beam_pipeline_args=list(IN_MEMORY))
    Executor(context).Do({"examples": [examples]}, {"statistics": [statistics]}, {"code_fingerprint": ""})
    return statistics
