"""How the model is trained: its optimizers, its loss, and when it stops."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.schedule import scheduled
from trainer.types import Tensor


def compiled(model: DIN, hyperparameters: Hyperparameters, steps: int = 0) -> DIN:
    """The model with its optimizers, loss and metrics set. `steps` is as for `create_optimizer`."""
    metrics = [
        keras.metrics.AUC(from_logits=True, name="auc"),
        keras.metrics.MeanMetricWrapper(_log_loss, name="log_loss"),
    ]
    # Where rows count more or less, they do so for the end of the training, too.
    counted = "metrics" if model.declaration.sample_weight is None else "weighted_metrics"
    model.compile(
        optimizer=create_optimizer(model, hyperparameters, steps),
        loss=LogLoss(),
        jit_compile=False,
        **{counted: metrics},
    )
    return model


@keras.saving.register_keras_serializable(package="community_din")
class LogLoss(keras.losses.Loss):
    """Log loss of labels [B] and logits [B], row by row: Keras's own averages vectors before rows are weighted."""

    def call(self, labels: Tensor, logits: Tensor) -> Tensor:
        return _log_loss(labels, logits)


def create_optimizer(model: DIN, hyperparameters: Hyperparameters, steps: int = 0) -> keras.optimizers.Optimizer:
    """Adam for the attention and the DNN; Adagrad for what a token or a match has, whose steps depend on how much was seen
    of it.

    Adagrad counts gradients as those of a batch's sum, so that its start means the same whatever the batch size.

    Args:
        model: The model.
        hyperparameters: The settings.
        steps: How many steps a schedule of the learning rates lasts.

    Raises:
        ValueError: There is such a schedule, and it has no steps.
    """
    rate = hyperparameters.learning_rate
    rates = functools.partial(scheduled, hyperparameters=hyperparameters, steps=steps)
    clip = {"clipnorm": hyperparameters.clip_norm or None}
    adagrad: dict[str, Any] = {
        "initial_accumulator_value": 0.1 / hyperparameters.batch_size**2,
        "epsilon": 1e-15,
        **clip,
    }
    embeddings = TokenAdagrad(rates(rate * hyperparameters.embedding_rate_ratio), name="embeddings", **adagrad)
    optimizers = {table.embeddings.path: embeddings for table in model.trained_tables}
    wide_parts: list[keras.layers.Layer] = [*model.match_biases.values(), *([model.wide] if model.wide is not None else [])]
    if wide_parts:
        wide = TokenAdagrad(rates(rate * hyperparameters.wide_rate_ratio), name="wide", **adagrad)
        optimizers |= {weight.path: wide for part in wide_parts for weight in part.trainable_weights}
    dense = keras.optimizers.Adam(rates(rate), weight_decay=hyperparameters.weight_decay or None, **clip)
    if hyperparameters.weight_decay:
        kernels = {weight.path for weight in model.dnn.trainable_weights if weight.name == "kernel"}
        dense.exclude_from_weight_decay([weight for weight in model.trainable_weights if weight.path not in kernels])
    return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(dense, optimizers))


@keras.saving.register_keras_serializable(package="community_din")
class TokenAdagrad(keras.optimizers.Adagrad):
    """Adagrad whose step of a table costs what the batch's tokens cost, not what the table costs.

    The numbers are Keras's. Keras 3.15 itself goes over the whole table, and fails with an unrelated message where a
    gradient is no number.
    """

    def update_step(self, gradient: Tensor, variable: Any, learning_rate: Tensor) -> None:
        if not isinstance(gradient, tf.IndexedSlices):
            super().update_step(gradient, variable, learning_rate)
            return
        accumulator = self._accumulators[self._get_variable_index(variable)].value
        rows, position = tf.unique(gradient.indices)
        values = tf.math.unsorted_segment_sum(gradient.values, position, tf.size(rows))
        accumulator.scatter_add(tf.IndexedSlices(tf.square(values), rows))
        scale = tf.cast(learning_rate, values.dtype) * tf.math.rsqrt(tf.gather(accumulator, rows) + self.epsilon)
        variable.scatter_sub(tf.IndexedSlices(values * scale, rows))


class NonFiniteLossError(RuntimeError):
    """The loss of a batch was no finite number."""


class StopAtNonFiniteLoss(keras.callbacks.Callback):
    """Raises NonFiniteLossError, naming the epoch and the batch, as soon as the loss is no finite number."""

    def __init__(self) -> None:
        super().__init__()
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        loss = float((logs or {})["loss"])
        if not math.isfinite(loss):
            raise NonFiniteLossError(
                f"The loss must be finite. Received: {loss!r} at batch {batch + 1} of epoch {self._epoch + 1}; "
                "a smaller `learning_rate` or a `clip_norm` may help."
            )


# How much smaller, as a share, the log loss of averaged weights must be for them to be taken.
CLEARLY = 0.005


class TailMean:
    """The mean of the weights over some steps of the last quarter of an epoch.

    Args:
        epoch_steps: The steps of the epoch; without it there is no mean.
    """

    SHARE, POINTS = 0.25, 8

    def __init__(self, epoch_steps: int | None = None) -> None:
        steps = epoch_steps or 0
        points = range(self.POINTS if steps else 0)
        self.steps = {steps - 1 - int(steps * self.SHARE * point / self.POINTS) for point in points}
        self.mean: list[np.ndarray] = []
        self._count = 0

    def add(self, weights: list[np.ndarray]) -> None:
        """Counts the weights after one of `steps`."""
        self._count += 1
        self.mean = [old + (new - old) / self._count for old, new in zip(self.mean or weights, weights, strict=True)]


class BestEpoch(keras.callbacks.Callback):
    """Keeps the weights of the epoch with the smallest log loss on the validation rows, and stops when it is past.

    At a constant rate the last steps leave noise in the weights, which the mean of some of an epoch's last steps has less
    of, and lags behind. With `validation` each epoch has both, and the mean is taken where the log loss says so clearly.

    Args:
        patience: After how many epochs without a smaller log loss the training stops.
        min_steps: The steps before which it does not stop.
        validation: The validation rows, if means are to be looked at.
    """

    def __init__(self, patience: int, min_steps: int = 0, validation: tf.data.Dataset | None = None) -> None:
        super().__init__()
        self._patience = patience
        self._min_steps = min_steps
        self._validation = validation
        self._steps = 0
        self._tail = TailMean()
        self.best_epoch = 0
        self._best = math.inf
        self._weights: list[np.ndarray] = []

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._tail = TailMean((self.params or {}).get("steps") if self._validation is not None else None)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._steps += 1
        if batch in self._tail.steps:
            self._tail.add(self.model.get_weights())

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        loss, weights = self._better_of_both(float((logs or {})["val_log_loss"]))
        if loss < self._best:
            self._best, self.best_epoch, self._weights = loss, epoch + 1, weights
        elif epoch + 1 - self.best_epoch >= self._patience and self._steps >= self._min_steps:
            self.model.stop_training = True

    def _better_of_both(self, loss: float) -> tuple[float, list[np.ndarray]]:
        weights = self.model.get_weights()
        if not self._tail.mean:
            return loss, weights
        self.model.set_weights(self._tail.mean)
        of_mean = float(self.model.evaluate(self._validation, verbose=0, return_dict=True)["log_loss"])
        self.model.set_weights(weights)
        return (of_mean, self._tail.mean) if of_mean < loss * (1 - CLEARLY) else (loss, weights)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        if self._weights:
            self.model.set_weights(self._weights)

    def get_state(self) -> tuple[dict[str, float], list[np.ndarray]]:
        """What was found so far: numbers by name, as JSON has them (infinity, too, as Python reads it), and the weights."""
        return {"loss": self._best, "epoch": self.best_epoch, "steps": self._steps}, self._weights

    def set_state(self, numbers: Mapping[str, float], weights: Sequence[np.ndarray]) -> None:
        """Takes up what `get_state` returned in an earlier process."""
        self._best, self.best_epoch, self._steps = numbers["loss"], int(numbers["epoch"]), int(numbers["steps"])
        self._weights = list(weights)


def _log_loss(labels: Tensor, logits: Tensor) -> Tensor:
    """Log loss by row, [B] and [B] to [B]: Keras's metric of that name would average batches of different sizes."""
    return keras.losses.binary_crossentropy(labels[:, None], logits[:, None], from_logits=True)
