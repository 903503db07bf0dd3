"""Turns checked rows into serialized tf.Examples, and says which split each belongs to."""

from __future__ import annotations

import bisect
import dataclasses
import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from tfx_bsl.coders.example_coder import RecordBatchToExamplesEncoder

from components.example_gen.columns import ColumnSet


class ExampleEncoder:
    """Encodes rows as tf.Examples: one bytes value a column, and one int64 for the label."""

    def __init__(self, declaration: ColumnSet) -> None:
        self._declaration = declaration
        self._encoder = RecordBatchToExamplesEncoder()

    def encode(self, rows: pa.Table) -> list[bytes]:
        """The serialized tf.Examples of the rows of a table with a string column for each declared one."""
        if not len(rows):
            return []
        offsets = pa.array(np.arange(len(rows) + 1, dtype=np.int32))
        arrays = []
        for column in self._declaration.columns:
            values = rows[column.name].combine_chunks().cast(pa.int64() if column.kind == "label" else pa.binary())
            arrays.append(pa.ListArray.from_arrays(offsets, values))
        names = [column.name for column in self._declaration.columns]
        return self._encoder.encode(pa.record_batch(arrays, names))


@dataclasses.dataclass(frozen=True)
class Splits:
    """The output splits of one input split.

    Args:
        names: tuple of str. Their names.
        buckets: tuple of int. How many hash buckets each has; empty if there is one split only.
        key: str. The column whose hash chooses the split, so that rows of one key stay together.
    """

    names: tuple[str, ...]
    buckets: tuple[int, ...] = ()
    key: str = ""

    def assign(self, rows: pa.Table) -> npt.NDArray[np.int64]:
        """The index of each row's split, int64 [N]."""
        if not self.buckets:
            return np.zeros(len(rows), np.int64)
        keys = pc.dictionary_encode(rows[self.key].combine_chunks())
        split_of_key = np.array([split_of(key.encode(), self.buckets) for key in keys.dictionary.to_pylist()], np.int64)
        return split_of_key[keys.indices.to_numpy()]


def split_of(key: bytes, buckets: Sequence[int]) -> int:
    """The index of a key's split: the same as stock ExampleGens choose, which hash the serialized feature.

    Args:
        key: The key's one bytes value.
        buckets: How many hash buckets each split has.
    """
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[key])).SerializeToString(deterministic=True)
    bounds = np.cumsum(buckets).tolist()
    bucket = int.from_bytes(hashlib.sha256(feature).digest(), "big") % bounds[-1]
    return bisect.bisect(bounds, bucket)
