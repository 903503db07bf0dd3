"""Keeps what was asked and answered, as TensorFlow Serving's request logging does: PredictionLogs in a TFRecord file."""

from __future__ import annotations

import random
import threading
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2


class RequestLog:
    """A file that Predict calls are written to.

    Args:
        path: The file; it is begun anew.
        share: The share of the calls that are kept, drawn at random.
    """

    def __init__(self, path: str, share: float = 1.0) -> None:
        self._writer = tf.io.TFRecordWriter(path)
        self._share = share
        self._lock = threading.Lock()

    def add(self, request: Any, response: Any) -> None:
        """Writes a call down. What is written can be read while the server goes on."""
        if random.random() >= self._share:
            return
        log = prediction_log_pb2.PredictionLog()
        log.predict_log.request.CopyFrom(request)
        log.predict_log.response.CopyFrom(response)
        log.log_metadata.model_spec.CopyFrom(response.model_spec)
        log.log_metadata.sampling_config.sampling_rate = self._share
        with self._lock:
            self._writer.write(log.SerializeToString())
            self._writer.flush()
