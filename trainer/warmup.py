"""Requests that a server replays before a version of the model answers its first one.

TensorFlow Serving, and every server that follows it, reads them from `assets.extra/tf_serving_warmup_requests`, a TFRecord
file of PredictionLogs. The rows are made of the vocabularies' most frequent tokens, with lists and histories of the full
length: nobody's data leaves the training.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from trainer.export_settings import WARMUP_USERS
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, Column, Declaration

WARMUP_FILE = PurePosixPath("assets.extra", "tf_serving_warmup_requests")

Vocabularies = Mapping[str, Sequence[bytes]]


def write_warmup(path: str, records: Iterator[prediction_log_pb2.PredictionLog]) -> None:
    """Adds the records to the SavedModel in the folder `path`."""
    file = f"{path}/{WARMUP_FILE}"
    tf.io.gfile.makedirs(file.rpartition("/")[0])
    with tf.io.TFRecordWriter(file) as writer:
        for record in records:
            writer.write(record.SerializeToString())


def warmup_records(
    declaration: Declaration, vocabularies: Vocabularies, candidates: Sequence[int]
) -> Iterator[prediction_log_pb2.PredictionLog]:
    """One request of `serving_default`, of one row, and one of `rank`, of two users, for each number of `candidates`.

    Args:
        declaration: The declared features.
        vocabularies: The tokens of each vocabulary that is not hashed, the most frequent first.
        candidates: Numbers of candidates.
    """
    tokens = {
        column: _list_tokens(vocabularies.get(name, ()))
        for name, columns in declaration.vocabularies.items()
        for column in columns
    }
    tokens |= {feature.name: [b"0"] for feature in declaration.numerics}
    columns = [column for column in declaration.columns if column.side is not None]
    yield _record("serving_default", {c.name: tf.constant([_cell(c, tokens[c.name], 0)]) for c in columns})
    for count in candidates:
        inputs = {}
        for column in columns:
            cells = [_cell(column, tokens[column.name], i) for i in range(count if column.side == "item" else WARMUP_USERS)]
            inputs[column.name] = tf.constant([cells] * WARMUP_USERS if column.side == "item" else cells)
        yield _record("rank", inputs)


def _record(signature: str, inputs: Mapping[str, tf.Tensor]) -> prediction_log_pb2.PredictionLog:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, values in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(values))
    return prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))


def _list_tokens(vocabulary: Sequence[bytes]) -> Sequence[bytes]:
    """The tokens that a list can hold; one that is out of vocabulary if there are none."""
    separators = (LIST_SEPARATOR.encode(), WEIGHT_SEPARATOR.encode())
    return [token for token in vocabulary if not any(separator in token for separator in separators)] or [b"0"]


def _cell(column: Column, tokens: Sequence[bytes], row: int) -> bytes:
    if column.max_length is None:
        return tokens[row % len(tokens)]
    suffix = f"{WEIGHT_SEPARATOR}1".encode() if column.kind == "weighted_list" else b""
    entries = (tokens[(row + i) % len(tokens)] + suffix for i in range(column.max_length))
    return LIST_SEPARATOR.encode().join(entries)
