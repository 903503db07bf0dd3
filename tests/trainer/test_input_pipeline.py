"""Batches from files of transformed examples."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.input_pipeline import list_files, read_dataset
from transform.declaration import Category, Declaration, Group, Label, SampleWeight

DECLARATION = Declaration((Label("act"), Group("client_id"), Category("topic_id", side="item")))
SPEC = {
    "act": tf.io.FixedLenFeature([], tf.int64),
    "client_id": tf.io.FixedLenFeature([], tf.string),
    "topic_id": tf.io.FixedLenFeature([], tf.int64),
    "tags": tf.io.RaggedFeature(tf.int64),
}
ROWS, BATCH = 1003, 10


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("examples") / "rows.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for row in range(ROWS):
            example = tf.train.Example()
            feature = example.features.feature
            feature["act"].int64_list.value.append(row % 2)
            feature["client_id"].bytes_list.value.append(b"u")
            feature["topic_id"].int64_list.value.append(row)
            feature["tags"].int64_list.value.extend([7] * (row % 3))
            writer.write(example.SerializeToString())
    return path


def order(dataset: tf.data.Dataset) -> list[int]:
    return [int(row) for features, _ in dataset for row in features["topic_id"]]


def test_every_row_comes_once_in_order_with_a_smaller_last_batch(file: str) -> None:
    dataset = read_dataset([file], SPEC, DECLARATION, BATCH)
    assert order(dataset) == list(range(ROWS))
    assert [len(labels) for _, labels in dataset][-2:] == [BATCH, ROWS % BATCH]


def test_training_rows_are_shuffled_far_beyond_a_batch_and_anew_in_each_epoch(file: str) -> None:
    dataset = read_dataset([file], SPEC, DECLARATION, BATCH, shuffle_seed=0)
    first, second = order(dataset), order(dataset)
    assert sorted(first) == sorted(second) == list(range(ROWS))
    assert first != second
    moved = np.abs(np.array(first) - np.arange(ROWS))
    assert moved.mean() > ROWS / 5


def test_the_label_and_the_group_are_no_features_and_lists_are_padded_with_zeros(file: str) -> None:
    features, labels = next(iter(read_dataset([file], SPEC, DECLARATION, 3)))
    assert set(features) == {"topic_id", "tags"}
    assert features["tags"].numpy().tolist() == [[0, 0], [7, 0], [7, 7]]
    assert labels.numpy().tolist() == [0, 1, 0]


def test_a_sample_weight_comes_after_the_label(tmp_path: Path) -> None:
    path = str(tmp_path / "rows.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for weight in (0.5, 2.0):
            example = tf.train.Example()
            example.features.feature["act"].int64_list.value.append(1)
            example.features.feature["client_id"].bytes_list.value.append(b"u")
            example.features.feature["topic_id"].int64_list.value.append(7)
            example.features.feature["weight"].float_list.value.append(weight)
            writer.write(example.SerializeToString())
    declaration = Declaration((*DECLARATION.features, SampleWeight("weight")))
    spec = {name: feature for name, feature in SPEC.items() if name != "tags"}
    spec["weight"] = tf.io.FixedLenFeature([], tf.float32)
    features, labels, weights = next(iter(read_dataset([path], spec, declaration, 2)))
    assert set(features) == {"topic_id"}
    assert (labels.numpy().tolist(), weights.numpy().tolist()) == ([1, 1], [0.5, 2.0])


def test_an_epoch_has_as_many_steps_as_batches(file: str) -> None:
    dataset = read_dataset([file], SPEC, DECLARATION, BATCH)
    inputs = keras.Input((), dtype="int64", name="topic_id")
    outputs = keras.layers.Dense(1)(keras.layers.Embedding(ROWS, 2)(inputs))
    model = keras.Model({"topic_id": inputs}, outputs)
    model.compile("sgd", "mse")
    model.fit(dataset.map(lambda features, labels: ({"topic_id": features["topic_id"]}, labels)), verbose=0)
    assert int(dataset.cardinality()) == int(model.optimizer.iterations) == -(-ROWS // BATCH)


def test_files_that_do_not_exist_are_an_error_that_names_the_pattern(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nothing-\\*"):
        list_files([str(tmp_path / "nothing-*")])
