"""Reads a version from disk and warms it up."""

from __future__ import annotations

from dataclasses import dataclass

from tensorflow.core.protobuf import config_pb2

from serving.server import warmup
from serving.server.core import Servable
from serving.server.metrics import Metrics
from serving.server.runner import DirectRunner
from serving.server.saved_model import SavedModel
from serving.server.version import Version


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
                    warmup.replay(Servable(version.name, version.number, model), DirectRunner(), self.warmup_iterations)
            except BaseException:
                model.close()
                raise
        return model
