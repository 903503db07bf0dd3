"""What a killed training goes on from: its last finished epoch, in one file."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.names import variable_names
from trainer.training import BestEpoch

_FILE = "epoch.npz"
_STATE = "state"
# What is kept of each: the model's variables, with the state of its random numbers, the optimizer's, and the best weights.
_MODEL, _OPTIMIZER, _BEST = "model", "optimizer", "best"
_log = logging.getLogger(__name__)


class Checkpoint(keras.callbacks.Callback):
    """Keeps the state of a training after each epoch; it belongs behind the callback that says when to stop.

    Args:
        folder: Where to keep it. One training's alone: nothing is checked but the names of the variables.
        best: The callback that keeps the best epoch.
    """

    def __init__(self, folder: str, best: BestEpoch) -> None:
        super().__init__()
        self._folder = folder
        self._path = f"{folder}/{_FILE}"
        self._best = best

    def restore(self, model: keras.Model, epochs: int) -> tuple[int, int]:
        """Puts the kept state into a compiled model, its optimizer and the callback that keeps the best epoch.

        Args:
            model: The model, as it was when the training began.
            epochs: The most epochs.

        Returns:
            How many epochs are done, and how many there will be at most: the same if the training had come to its end.
        """
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_variables)
        if not tf.io.gfile.exists(self._path):
            return 0, epochs
        with tf.io.gfile.GFile(self._path, "rb") as file, np.load(io.BytesIO(file.read())) as arrays:
            state = json.loads(str(arrays[_STATE]))
            if state["names"] != _names(model):
                _log.warning("The training begins anew: what is kept in %s is of other variables.", self._path)
                return 0, epochs
            for kind, variables in ((_MODEL, model.variables), (_OPTIMIZER, model.optimizer.variables)):
                for variable, value in zip(variables, _listed(arrays, kind), strict=True):
                    variable.assign(value)
            self._best.set_state(state["best"], _listed(arrays, _BEST))
        done = int(state["epoch"])
        _log.info("The training goes on after epoch %d, kept in %s.", done, self._path)
        return done, done if state["stopped"] else epochs

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        best, weights = self._best.get_state()
        state = {
            "epoch": epoch + 1,
            "stopped": bool(self.model.stop_training),
            "best": best,
            "names": _names(self.model),
        }
        arrays: dict[str, Any] = {_STATE: np.array(json.dumps(state))}
        for kind, values in (
            (_MODEL, self.model.variables),
            (_OPTIMIZER, self.model.optimizer.variables),
            (_BEST, weights),
        ):
            arrays |= {f"{kind}-{number:06d}": np.asarray(value) for number, value in enumerate(values)}
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        tf.io.gfile.makedirs(self._folder)
        partial = f"{self._path}.partial"
        with tf.io.gfile.GFile(partial, "wb") as file:
            file.write(buffer.getvalue())
        tf.io.gfile.rename(partial, self._path, overwrite=True)

    def remove(self) -> None:
        """Removes what was kept: the model is exported."""
        if tf.io.gfile.exists(self._folder):
            tf.io.gfile.rmtree(self._folder)


def _names(model: keras.Model) -> list[str]:
    names = variable_names(model.variables)
    return [f"{name} {tuple(variable.shape)}" for name, variable in zip(names, model.variables, strict=True)]


def _listed(arrays: Mapping[str, np.ndarray], kind: str) -> Sequence[np.ndarray]:
    return [arrays[name] for name in sorted(arrays) if name.startswith(f"{kind}-")]
