"""Rows that are held out of training to tell when to stop: some clients, all their rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

from components.example_gen.spans import TRAIN

VALIDATION = "validation"
_BATCH = 4096
_BUCKETS = 1_000_000
# A hash of its own: the one that splits what is ingested has left only some of its values in a split.
_KEY = (0x5DEECE66D, 0xB)


def hold_out(files: Sequence[tuple[str, str]], group: str, share: float, folders: Mapping[str, str]) -> int:
    """Writes files of Examples anew, as those of the split `train` and, some clients, of the split `validation`.

    A client is held out if the hash of its name is among the lowest; at least one is, if there are two. Where there is only
    one client, its rows both train and validate.

    Args:
        files: Gzipped TFRecord files, and what to call them.
        group: The column of the clients.
        share: The share of the clients that is held out.
        folders: The folder of each split; made if need be.

    Returns:
        How many rows are held out.

    Raises:
        FileExistsError: A file that is to be written is there; it may be a link to one of those that are read.
    """
    for folder in folders.values():
        tf.io.gfile.makedirs(folder)
    found = [np.unique(buckets) for file, _ in files for _, buckets in _read(file, group)]
    clients = np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)
    limit = max(int(share * _BUCKETS), int(clients[0]) + 1 if len(clients) else 0)
    count = 0
    for file, name in files:
        paths = {split: os.path.join(folder, name) for split, folder in folders.items()}
        if taken := [path for path in paths.values() if tf.io.gfile.exists(path)]:
            raise FileExistsError(f"A file of rows must be written once. Received: {', '.join(taken)}.")
        with (
            tf.io.TFRecordWriter(paths[TRAIN], "GZIP") as train,
            tf.io.TFRecordWriter(paths[VALIDATION], "GZIP") as validation,
        ):
            for records, buckets in _read(file, group):
                for record, held in zip(records, buckets < limit, strict=True):
                    if held:
                        validation.write(record)
                        count += 1
                    if not held or len(clients) == 1:
                        train.write(record)
    return count


def _read(file: str, group: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches of serialized Examples, and the hash of each one's client."""
    spec = {group: tf.io.FixedLenFeature([], tf.string)}
    for records in tf.data.TFRecordDataset(file, compression_type="GZIP").batch(_BATCH):
        names = tf.io.parse_example(records, spec)[group]
        yield records.numpy(), tf.strings.to_hash_bucket_strong(names, _BUCKETS, _KEY).numpy()
