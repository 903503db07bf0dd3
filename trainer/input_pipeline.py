"""Reads transformed examples as padded batches for the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from transform.declaration import Declaration

# Rows are shuffled among this many, since files are in the order of time. Serialized rows are small: about 50 MB.
SHUFFLE_BUFFER = 100_000

FeatureSpec = Mapping[str, Any]


def list_files(patterns: Sequence[str]) -> list[str]:
    """The files that match, sorted. Raises FileNotFoundError, naming the patterns, if none does."""
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    if not files:
        raise FileNotFoundError(f"At least one file of transformed examples must match. Received: {list(patterns)}.")
    return files


def count_rows(files: Sequence[str]) -> int:
    """The number of examples in gzipped TFRecord files."""
    return int(_records(files).reduce(0, lambda count, _: count + 1))


def read_dataset(
    files: Sequence[str],
    feature_spec: FeatureSpec,
    declaration: Declaration,
    batch_size: int,
    shuffle_seed: int | None = None,
) -> tf.data.Dataset:
    """Batches of (features, label): what `DIN` takes, and int64 [B]. The cardinality is known: the files are counted first.

    Args:
        files: Gzipped TFRecord files of transformed examples.
        feature_spec: Transform's `transformed_feature_spec()`.
        declaration: The declared features; the label and the group are not among the batch's features.
        batch_size: Rows of a batch; the last one may be smaller.
        shuffle_seed: Shuffles, anew in each epoch, if given.
    """
    records = _records(files)
    if shuffle_seed is not None:
        records = records.shuffle(SHUFFLE_BUFFER, seed=shuffle_seed, reshuffle_each_iteration=True)

    def parse(serialized: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        features = tf.io.parse_example(serialized, dict(feature_spec))
        label = features.pop(declaration.label)
        features.pop(declaration.group)
        return pad(features), label

    batches = records.batch(batch_size).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    # At the end of a dataset of unknown cardinality Keras 3.15 counts, and applies, one step too many.
    batches = batches.apply(tf.data.experimental.assert_cardinality(-(-count_rows(files) // batch_size)))
    return batches.prefetch(tf.data.AUTOTUNE)


def pad(features: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Pads ragged features [B, (L)] with zeros to the longest of the batch, [B, L]."""
    return {name: value.to_tensor() if isinstance(value, tf.RaggedTensor) else value for name, value in features.items()}


def _records(files: Sequence[str]) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(list(files), compression_type="GZIP", num_parallel_reads=len(files))
