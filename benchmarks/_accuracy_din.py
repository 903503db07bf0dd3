"""The project's model and its ablations, trained as the pipeline trains it."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from benchmarks._accuracy_data import Log, Part
from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.training import BestEpoch, StopAtNonFiniteLoss, compiled
from transform.declaration import Declaration

TWIN: dict[str, Any] = {"interest_pooling": "mean", "wide_crosses": False}
ABLATIONS: dict[str, dict[str, Any]] = {
    "DIN": {},
    "twin: mean pooling, no crosses": TWIN,
    "mean pooling": {"interest_pooling": "mean"},
    "no crosses": {"wide_crosses": False},
    "no match bias": {"attention_match_bias": False},
    "attention alone": {"attention_match_bias": False, "wide_crosses": False},
    "no wide part": {"wide": False},
    "no softmax": {"attention_normalize": False},
    "Dice": {"attention_activation": "dice"},
    "starts at 0.125": {"embedding_start": 0.125},
    "batch norm": {"batch_norm": True},
    "no dropout": {"dropout": 0.0},
    "history of 1": {},
    "history of 10": {},
}
# How many of the newest entries of histories an ablation sees, if not all.
HISTORIES = {"history of 1": 1, "history of 10": 10}


@dataclasses.dataclass(frozen=True)
class Trained:
    """The scores of the rows that judge, in the best epoch and after each; and which epoch was the best."""

    scores: np.ndarray
    by_epoch: list[np.ndarray]
    best_epoch: int


def train_din(log: Log, declaration: Declaration, settings: Hyperparameters) -> Trained:
    """Trains on `log.train`, stops by `log.validation`, and scores `log.judge`."""
    keras.utils.set_random_seed(settings.seed)
    model = compiled(DIN(declaration, log.sizes, settings), settings)
    validation = _batches(log.validation, 4096)
    best, epochs = BestEpoch(settings.patience, settings.min_steps, validation), _ScoresByEpoch(log.judge)
    model.fit(
        _batches(log.train, settings.batch_size, settings.seed),
        epochs=settings.epochs,
        validation_data=validation,
        verbose=0,
        callbacks=[StopAtNonFiniteLoss(), epochs, best],
    )
    model.settle()
    return Trained(_scores(model, log.judge), epochs.scores, best.best_epoch)


class _ScoresByEpoch(keras.callbacks.Callback):
    def __init__(self, judge: Part) -> None:
        super().__init__()
        self._judge = judge
        self.scores: list[np.ndarray] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.scores.append(_scores(self.model, self._judge))


def _scores(model: DIN, part: Part) -> np.ndarray:
    logits = model.predict(_batches(part, 4096), verbose=0)
    return np.asarray(keras.ops.sigmoid(logits)).ravel()


def _batches(part: Part, batch_size: int, shuffle_seed: int | None = None) -> tf.data.Dataset:
    dataset = tf.data.Dataset.from_tensor_slices((part.features, part.labels))
    if shuffle_seed is not None:
        dataset = dataset.shuffle(len(part), seed=shuffle_seed, reshuffle_each_iteration=True)
    return dataset.batch(batch_size).prefetch(tf.data.AUTOTUNE)
