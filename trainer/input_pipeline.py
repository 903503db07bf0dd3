"""Reads transformed examples as padded batches for the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow as tf

from transform.declaration import Declaration

# Rows are shuffled among this many, since files are in the order of time. Serialized rows are small: about 50 MB.
SHUFFLE_BUFFER = 100_000

# Negatives are kept by a hash of the row; this many values it may have, and rows that are looked at at a time.
_HASHES = 1_000_000
_HASHED = 4096

FeatureSpec = Mapping[str, Any]


def list_files(patterns: Sequence[str]) -> list[str]:
    """The files that match, sorted. Raises FileNotFoundError, naming the patterns, if none does."""
    files = sorted(file for pattern in patterns for file in tf.io.gfile.glob(pattern))
    if not files:
        raise FileNotFoundError(f"At least one file of transformed examples must match. Received: {list(patterns)}.")
    return files


def read_dataset(
    files: Sequence[str],
    feature_spec: FeatureSpec,
    declaration: Declaration,
    batch_size: int,
    shuffle_seed: int | None = None,
    negative_share: float = 1.0,
) -> tf.data.Dataset:
    """Batches of (features, label): what `DIN` takes, and int64 [B]; where the declaration has a sample weight, that comes
    third, float32 [B]. The cardinality is known: the rows are counted first.

    Args:
        files: Gzipped TFRecord files of transformed examples.
        feature_spec: Transform's `transformed_feature_spec()`.
        declaration: The declared features; the label and the group are not among the batch's features.
        batch_size: Rows of a batch; the last one may be smaller.
        shuffle_seed: Shuffles, anew in each epoch, if given.
        negative_share: The share of the rows of label 0 that are kept, the same ones in each epoch.
    """
    records = _records(files)
    if negative_share < 1:
        records = _thinned(records, feature_spec, declaration.label, negative_share, shuffle_seed or 0)
    rows = int(records.reduce(0, lambda count, _: count + 1))
    if shuffle_seed is not None:
        records = records.shuffle(SHUFFLE_BUFFER, seed=shuffle_seed, reshuffle_each_iteration=True)

    def parse(serialized: tf.Tensor) -> tuple[Any, ...]:
        features = tf.io.parse_example(serialized, dict(feature_spec))
        features.pop(declaration.group)
        targets = [features.pop(name) for name in (declaration.label, declaration.sample_weight) if name is not None]
        return pad(features), *targets

    batches = records.batch(batch_size).map(parse, num_parallel_calls=tf.data.AUTOTUNE)
    # At the end of a dataset of unknown cardinality Keras 3.15 counts, and applies, one step too many.
    batches = batches.apply(tf.data.experimental.assert_cardinality(-(-rows // batch_size)))
    return batches.prefetch(tf.data.AUTOTUNE)


def skip_epochs(dataset: tf.data.Dataset, epochs: int) -> None:
    """Has Keras's `fit` read a shuffled dataset, from now on, in the orders of its later epochs.

    Each iteration that begins draws a new order. Keras 3.15 begins two for each epoch: the epoch's own, and at its end one
    that it drops.
    """
    for _ in range(2 * epochs):
        iter(dataset)


def pad(features: Mapping[str, Any]) -> dict[str, tf.Tensor]:
    """Pads ragged features [B, (L)] with zeros to the longest of the batch, [B, L]."""
    return {name: value.to_tensor() if isinstance(value, tf.RaggedTensor) else value for name, value in features.items()}


def _thinned(records: tf.data.Dataset, spec: FeatureSpec, label: str, share: float, seed: int) -> tf.data.Dataset:
    """All records of label 1, and those others whose hash, which the seed decides about, is among the lowest.

    Equal records stay or go together. A transformed example holds its user, so few are equal.
    """

    def kept(serialized: tf.Tensor) -> tf.Tensor:
        labels = tf.io.parse_example(serialized, {label: spec[label]})[label]
        hashes = tf.strings.to_hash_bucket_strong(serialized, _HASHES, (0x9E3779B9, seed))
        return tf.boolean_mask(serialized, (labels == 1) | (hashes < round(share * _HASHES)))

    return records.batch(_HASHED).map(kept, num_parallel_calls=tf.data.AUTOTUNE).unbatch()


def _records(files: Sequence[str]) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(list(files), compression_type="GZIP", num_parallel_reads=len(files))
