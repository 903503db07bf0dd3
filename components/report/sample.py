"""Some of the rows that judge: whole clients, drawn by a hash, and the exported model that scores them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.protobuf import config_pb2

from components.evaluation.judging import hashed
from serving.server.saved_model import SavedModel
from transform.declaration import Declaration
from transform.schema import raw_feature_spec

# The most records that are looked at to draw from, and the rows of a call of the model.
_READ = 100_000
_CALL = 512
_READING = 4096

Cells = Mapping[str, npt.NDArray[np.object_]]


@dataclasses.dataclass(frozen=True)
class Sample:
    """Rows of whole clients, as far as they were read.

    Args:
        columns: The columns that a request carries: the cells, bytes [rows] each.
        labels: 0 or 1, [rows].
        clients: The client's number, [rows].
        read: How many rows it was drawn from.
    """

    columns: Cells
    labels: npt.NDArray[np.int64]
    clients: npt.NDArray[np.int64]
    read: int

    def __len__(self) -> int:
        return len(self.labels)


def draw(files: Sequence[str], declaration: Declaration, rows: int) -> Sample:
    """Draws about so many rows: clients in the order of their hash, until there are enough.

    Args:
        files: Gzipped TFRecord files; their rows are looked at in turn, at most `_READ`.
        declaration: The declared features.
        rows: About how many rows to draw.
    """
    records, clients = [], []
    group = {declaration.group: tf.io.FixedLenFeature([], tf.string)}
    for batch in _records(files).take(_READ).batch(_READING):
        records.append(batch.numpy())
        clients.append(hashed(tf.io.parse_example(batch, group)[declaration.group]))
    if not records:
        return Sample({}, np.zeros(0, np.int64), np.zeros(0, np.int64), 0)
    record, client = np.concatenate(records), np.concatenate(clients)
    _, number, size = np.unique(client, return_inverse=True, return_counts=True)
    # Clients by their hash are in no order of their own.
    last = min(int(np.searchsorted(np.cumsum(size), rows)), len(size) - 1)
    chosen = np.flatnonzero(number <= last)[: 2 * rows]
    parsed = tf.io.parse_example(record[chosen].tolist(), raw_feature_spec(declaration))
    columns = {name: parsed[name].numpy().astype(object) for name in declaration.serving_columns}
    return Sample(columns, parsed[declaration.label].numpy(), number[chosen], len(record))


def _records(files: Sequence[str]) -> tf.data.Dataset:
    names = tf.data.Dataset.from_tensor_slices(tf.constant(list(files), tf.string))
    return names.interleave(
        lambda name: tf.data.TFRecordDataset(name, compression_type="GZIP"),
        cycle_length=min(max(len(files), 1), 8),
        block_length=_READING // 8,
    )


class Served:
    """An exported model, loaded as a server loads it, in a fraction of the time that `tf.saved_model.load` takes.

    Args:
        path: The SavedModel's folder.
    """

    def __init__(self, path: str) -> None:
        # A few calls do not pay for what the optimizer of graphs takes, which is seconds for each signature.
        config = config_pb2.ConfigProto()
        config.graph_options.rewrite_options.disable_meta_optimizer = True
        self._model = SavedModel(path, [tf.saved_model.SERVING], config)

    def scores(self, columns: Cells) -> npt.NDArray[np.float32]:
        """The score of each row, float32 [rows]."""
        size = len(next(iter(columns.values())))
        # Rows of like length beside each other: a batch is padded to its longest history.
        length = np.sum([np.char.str_len(cells.astype(bytes)) for cells in columns.values()], axis=0)
        order = np.argsort(length, kind="stable")
        scores = np.zeros(size, np.float32)
        for start in range(0, size, _CALL):
            part = order[start : start + _CALL]
            answer = self._run("serving_default", {name: cells[part] for name, cells in columns.items()})
            scores[part] = answer["score"]
        return scores

    def explained(self, columns: Cells) -> dict[str, npt.NDArray[Any]]:
        """What the signature `explain` answers: the user's columns are [B], the candidates' [B, K]."""
        return self._run("explain", columns)

    def close(self) -> None:
        """Frees the model."""
        self._model.close()

    def _run(self, name: str, columns: Cells) -> dict[str, npt.NDArray[Any]]:
        signature = self._model.signatures[name]
        tensors = {key: tensor.name for key, tensor in signature.outputs.items()}
        fed = {tensor.name: columns[key] for key, tensor in signature.inputs.items()}
        answer = self._model.run(fed, list(tensors.values()))
        return {key: answer[tensor] for key, tensor in tensors.items()}
