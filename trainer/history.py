"""What each epoch measured, as JSON beside TensorBoard's logs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from trainer.history_file import HISTORY
from trainer.training import BestEpoch


class EpochHistory(keras.callbacks.Callback):
    """Writes the losses and metrics of the epochs so far, and which is the best, after each of them.

    A training that goes on after it was killed tells of its own epochs only.

    Args:
        folder: Where to write `HISTORY`.
        best: What finds the best epoch; it must come before this callback.
    """

    def __init__(self, folder: str, best: BestEpoch) -> None:
        super().__init__()
        self._folder, self._best = folder, best
        self._epochs: list[dict[str, float]] = []

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epochs.append({"epoch": epoch + 1, **{name: float(value) for name, value in (logs or {}).items()}})
        tf.io.gfile.makedirs(self._folder)
        with tf.io.gfile.GFile(os.path.join(self._folder, HISTORY), "w") as file:
            file.write(json.dumps({"best_epoch": self._best.best_epoch, "epochs": self._epochs}, indent=1))
