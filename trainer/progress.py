"""Reports the training's progress to the logger `LOGGER`, once a second."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import keras

LOGGER = "community_din.training"


class TrainingProgress(keras.callbacks.Callback):
    """Logs the step, the speed and the metrics of a training.

    Args:
        steps: The steps of an epoch.
        epochs: The epochs.
    """

    def __init__(self, steps: int, epochs: int) -> None:
        super().__init__()
        self._steps = steps
        self._epochs = epochs
        self._epoch = 0
        self._logged = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        now = time.monotonic()
        if now - self._logged >= 1.0:
            self._logged = now
            self._log(f"step {batch + 1} of {self._steps}", logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._log("done", logs)

    def _log(self, what: str, logs: Mapping[str, Any] | None) -> None:
        metrics = "  ".join(f"{name} {float(value):.4f}" for name, value in (logs or {}).items())
        logging.getLogger(LOGGER).info("epoch %d of %d  %s  %s", self._epoch + 1, self._epochs, what, metrics)
