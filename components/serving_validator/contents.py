"""What a served model must consist of, told from its files alone: no server is needed to miss one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import prediction_log_pb2

from serving.versions import SAVED_MODEL
from trainer.exported_settings import export_settings
from trainer.warmup import WARMUP_FILE

_ASSETS = "assets"
_TAG = "serve"


class RefusedError(ValueError):
    """A model must not be published; the message says why."""


def check_contents(model: str, signatures: Iterable[str]) -> None:
    """Raises RefusedError unless a SavedModel has these signatures and all files that it names, but for its variables."""
    graph = _meta_graph(model)
    if missing := sorted(set(signatures) - set(graph.signature_def)):
        raise RefusedError(f"it has no signature {', '.join(missing)}")
    named = sorted({asset.filename for asset in graph.asset_file_def})
    if missing := [name for name in named if not tf.io.gfile.exists(os.path.join(model, _ASSETS, name))]:
        raise RefusedError(f"it lacks the files {', '.join(missing)} of its {_ASSETS}")


def warmup_requests(model: str) -> Sequence[Any]:
    """The PredictRequests that a server replays when it loads the model.

    Raises:
        RefusedError: There are none although the model was exported with some, or they cannot be read.
    """
    path = os.path.join(model, str(WARMUP_FILE))
    is_there = tf.io.gfile.exists(path)
    found = list(_read(path)) if is_there else []
    if not found and (is_there or export_settings(model).warmup_candidates):
        raise RefusedError(f"it lacks warm-up requests, {WARMUP_FILE}")
    return found


def _read(path: str) -> Iterator[Any]:
    try:
        for number, record in enumerate(tf.data.TFRecordDataset(path).as_numpy_iterator(), 1):
            log = prediction_log_pb2.PredictionLog.FromString(record)
            if not log.HasField("predict_log"):
                raise RefusedError(f"its warm-up request {number} is none of Predict")
            yield log.predict_log.request
    except (tf.errors.OpError, DecodeError) as error:
        raise RefusedError(f"its warm-up requests cannot be read: {error}") from error


def _meta_graph(model: str) -> Any:
    proto: Any = saved_model_pb2.SavedModel()
    path = os.path.join(model, SAVED_MODEL)
    if not tf.io.gfile.exists(path):
        raise RefusedError(f"it has no {SAVED_MODEL}")
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            proto.ParseFromString(file.read())
    except DecodeError as error:
        raise RefusedError(f"its {SAVED_MODEL} cannot be read: {error}") from error
    graphs = [graph for graph in proto.meta_graphs if _TAG in graph.meta_info_def.tags]
    if not graphs:
        raise RefusedError(f"its {SAVED_MODEL} has nothing to serve")
    return graphs[0]
