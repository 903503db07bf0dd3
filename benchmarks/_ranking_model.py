"""A model of realistic size to measure: vocabularies of thousands of tokens, histories of full length."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import keras
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata

from pipeline.beam import IN_MEMORY
from trainer.hyperparameters import Hyperparameters
from trainer.input_pipeline import pad
from trainer.run import build_model
from trainer.signatures import ServingModule, export
from trainer.training import compiled
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, Column, Declaration
from transform.preprocessing import make_preprocessing_fn
from transform.schema import raw_schema

VOCABULARY_SIZE = 10_000
TRAINING_ROWS = 4_000


def export_model(path: Path, declaration: Declaration, seed: int = 0) -> None:
    """Exports a DIN of the default hyperparameters into the folder `path`.

    It has been trained for a few steps on random rows, so that its statistics and slopes are not the initial ones. Its
    scores mean nothing.
    """
    hyperparameters = Hyperparameters(epochs=1, seed=seed)
    keras.utils.set_random_seed(seed)
    with tempfile.TemporaryDirectory() as folder:
        rows = list(_rows(declaration, random.Random(seed)))
        output = _analyzed(rows, declaration, folder)
        layer = output.transform_features_layer()
        short = rows[:TRAINING_ROWS]
        raw = {name: [row[name] for row in short] for name in declaration.serving_columns}
        labels = [row[declaration.label] for row in short]
        dataset = tf.data.Dataset.from_tensor_slices((raw, labels)).batch(hyperparameters.batch_size)
        model = compiled(build_model(output, declaration, hyperparameters), hyperparameters)
        model.fit(dataset.map(lambda columns, label: (pad(layer(columns)), label)), verbose=0)
        export(ServingModule(model, output, declaration), str(path))


def _analyzed(rows: list[dict[str, Any]], declaration: Declaration, folder: str) -> tft.TFTransformOutput:
    with (
        beam.Pipeline(options=PipelineOptions(list(IN_MEMORY))) as pipeline,
        tft_beam.Context(temp_dir=f"{folder}/tmp"),
    ):
        dataset = pipeline | beam.Create(rows), DatasetMetadata(raw_schema(declaration))
        transform_fn = dataset | tft_beam.AnalyzeDataset(make_preprocessing_fn(declaration))
        _ = transform_fn | tft_beam.WriteTransformFn(folder)
    return tft.TFTransformOutput(folder)


def _rows(declaration: Declaration, rng: random.Random) -> Iterator[dict[str, Any]]:
    """Each token comes twice in each category; lists and histories are long in the rows that are trained on."""
    for i in range(2 * VOCABULARY_SIZE):
        length = 50 if i < TRAINING_ROWS else 1
        yield {column.name: _cell(column, i, length, rng) for column in declaration.columns}


def _cell(column: Column, row: int, length: int, rng: random.Random) -> Any:
    if column.kind == "label":
        return rng.randrange(2)
    if column.max_length is None:
        return str(row % VOCABULARY_SIZE).encode()
    suffix = f"{WEIGHT_SEPARATOR}0.5" if column.kind == "weighted_list" else ""
    entries = (f"{rng.randrange(VOCABULARY_SIZE)}{suffix}" for _ in range(min(length, column.max_length)))
    return LIST_SEPARATOR.join(entries).encode()
