"""Reads a version from disk, and replays the requests that it brings along: the first caller pays for no first run."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf import config_pb2
from tensorflow_serving.apis import prediction_log_pb2

from serving.server import example_methods, predict
from serving.server.core import Servable
from serving.server.errors import from_tensorflow, invalid_argument, unimplemented
from serving.server.metrics import Metrics
from serving.server.saved_model import DirectRunner, Runner, SavedModel
from serving.server.version import Version

FILE = "assets.extra/tf_serving_warmup_requests"
MAX_RECORDS = 1000

_CALLS: dict[str, Any] = {
    "predict_log": predict.predict,
    "classify_log": example_methods.classify,
    "regress_log": example_methods.regress,
    "multi_inference_log": example_methods.multi_inference,
}

LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loader:
    """Loads versions.

    Args:
        tags: of the MetaGraph to load.
        session_config: TensorFlow's threads and devices.
        warmup_iterations: times that each warm-up record is run; 0: no warm-up.
        metrics: counts.
    """

    tags: tuple[str, ...]
    session_config: config_pb2.ConfigProto
    warmup_iterations: int
    metrics: Metrics

    def __call__(self, version: Version) -> SavedModel:
        """Returns the model, ready for requests; ServingError if it cannot be."""
        with self.metrics.load(version.path):
            model = SavedModel(version.path, self.tags, self.session_config)
        if self.warmup_iterations:
            try:
                with self.metrics.warmup(version.path):
                    replay(Servable(version.name, version.number, model), DirectRunner(), self.warmup_iterations)
            except BaseException:
                model.close()
                raise
        return model


def replay(servable: Servable, runner: Runner, iterations: int) -> int:
    """Runs each PredictionLog of the SavedModel's warm-up file, if it has one.

    Args:
        servable: not yet available to others.
        runner: runs the requests.
        iterations: times that each is run.

    Returns:
        The number of records.

    Raises:
        ServingError: the file is not a TFRecord file of PredictionLogs, has too many, or one of them fails.
    """
    path = f"{servable.model.path}/{FILE}"
    if not tf.io.gfile.exists(path):
        return 0
    unobserved = Metrics()
    count = 0
    try:
        for record in tf.data.TFRecordDataset(path).as_numpy_iterator():
            count += 1
            if count > MAX_RECORDS:
                raise invalid_argument(f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {path}")
            for _ in range(iterations):
                _run(servable, _parse(record, path), runner, unobserved)
    except tf.errors.OpError as error:
        raise from_tensorflow(error) from error
    LOG.info("Replayed %d warm-up records of %s", count, path)
    return count


def _parse(record: bytes, path: str) -> prediction_log_pb2.PredictionLog:
    try:
        log: prediction_log_pb2.PredictionLog = prediction_log_pb2.PredictionLog.FromString(record)
    except DecodeError as error:
        raise invalid_argument(f"Failed to parse warmup record: {record[:80]!r} from {path}") from error
    return log


def _run(servable: Servable, log: Any, runner: Runner, metrics: Metrics) -> None:
    kind = log.WhichOneof("log_type")
    if kind not in _CALLS:
        raise unimplemented(f"Unsupported log_type for warmup: {kind}")
    request = getattr(log, kind).request
    for task in getattr(request, "tasks", ()):
        task.model_spec.name = servable.name
    _CALLS[kind](servable, request, runner, metrics)
