"""Reads examples for the evaluation: which client, item, label and slices each of them has."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from transform.declaration import LIST_SEPARATOR, Declaration
from transform.schema import raw_feature_spec

# Slices that are no columns. (The names of columns hold no spaces.)
KNOWN_CLIENT = "known client"
_LENGTHS = ((0, "0"), (1, "1-4"), (5, "5-19"), (20, "20 and more"))
# Between the cells of an item; no cell holds it that a keyboard has written.
_BETWEEN = "\x1f"
_BUCKETS = 2**62
_KEY = (0x3C6EF372FE94F82B, 0x510E527FADE682D1)


@dataclasses.dataclass(frozen=True)
class Batch:
    """Some examples.

    Args:
        records: The serialized examples, strings [rows].
        labels: 0 or 1, [rows].
        clients: A hash of each one's client, [rows].
        items: A hash of each one's item, all of its columns together, [rows].
        slices: By column, the values that the rows are sliced by, [rows] each.
    """

    records: tf.Tensor
    labels: npt.NDArray[np.float32]
    clients: npt.NDArray[np.int64]
    items: npt.NDArray[np.int64]
    slices: dict[str, npt.NDArray[np.str_]]


def slice_columns(declaration: Declaration) -> tuple[str, ...]:
    """By what rows are sliced: declared columns, the lengths of histories, and whether the client is known."""
    return (*declaration.slices, *(length_of(history.name) for history in declaration.histories), KNOWN_CLIENT)


def length_of(history: str) -> str:
    """The name of the slices by a history's length."""
    return f"length of {history}"


def read_batches(file: str, declaration: Declaration, size: int) -> Iterator[Batch]:
    """The examples of a gzipped TFRecord file, in batches of at most `size`."""
    wanted = {
        declaration.label,
        declaration.group,
        *declaration.side_columns("item"),
        *declaration.slices,
        *(history.columns[0] for history in declaration.histories),
    }
    spec = {name: kind for name, kind in raw_feature_spec(declaration).items() if name in wanted}
    for records in tf.data.TFRecordDataset(file, compression_type="GZIP").batch(size):
        columns = tf.io.parse_example(records, spec)
        item = tf.strings.join([columns[name] for name in declaration.side_columns("item")], _BETWEEN)
        slices = {name: _texts(columns[name].numpy()) for name in declaration.slices}
        for history in declaration.histories:
            slices[length_of(history.name)] = _lengths(columns[history.columns[0]])
        yield Batch(
            records,
            columns[declaration.label].numpy().astype(np.float32),
            hashed(columns[declaration.group]),
            hashed(item),
            slices,
        )


def hashed(texts: tf.Tensor) -> npt.NDArray[np.int64]:
    """A hash of each text, the same wherever it is computed, [rows]."""
    return np.asarray(tf.strings.to_hash_bucket_strong(texts, _BUCKETS, _KEY).numpy())


def _texts(values: npt.NDArray[np.object_]) -> npt.NDArray[np.str_]:
    distinct, place = np.unique(values.astype(bytes), return_inverse=True)
    return np.array([value.decode(errors="replace") for value in distinct.tolist()], np.str_)[place]


def _lengths(cells: tf.Tensor) -> npt.NDArray[np.str_]:
    """The range of each history's length."""
    separators = tf.strings.length(cells) - tf.strings.length(tf.strings.regex_replace(cells, LIST_SEPARATOR, ""))
    length = np.where(cells.numpy() == b"", 0, separators.numpy() + 1)
    place = np.searchsorted([least for least, _ in _LENGTHS], length, side="right") - 1
    return np.array([name for _, name in _LENGTHS])[place]
