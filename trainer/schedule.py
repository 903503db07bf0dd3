"""How the learning rates change from step to step."""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops

from trainer.hyperparameters import Hyperparameters
from trainer.types import Tensor


def scheduled(rate: float, hyperparameters: Hyperparameters, steps: int) -> float | Schedule:
    """A learning rate, or what makes one of the step if it is not to be constant.

    Args:
        rate: The learning rate.
        hyperparameters: The settings.
        steps: How many steps the schedule lasts.

    Raises:
        ValueError: The rate is to fall, and there are no steps.
    """
    if hyperparameters.rate_schedule == "constant" and not hyperparameters.warmup_steps:
        return rate
    return Schedule(
        rate, hyperparameters.rate_schedule, steps, end=hyperparameters.rate_end, warmup_steps=hyperparameters.warmup_steps
    )


@keras.saving.register_keras_serializable(package="community_din")
class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that rises for some steps, and then falls.

        rate(step) = rate min(1, (step + 1) / warmup_steps) fall(p),    p = (step - warmup_steps) / (steps - warmup_steps)
        fall(p) = end + (1 - end) (1 + cos(pi p)) / 2 ("cosine"), end^p ("exponential") or 1 ("constant"),    p in [0, 1]

    Args:
        rate: float. The highest rate.
        kind: str. How it falls.
        steps: int. The step from which on it stays at its end.
        end: float. The share of the rate at the end.
        warmup_steps: int. How many steps it rises.
    """

    def __init__(self, rate: float, kind: str, steps: int, end: float = 0.01, warmup_steps: int = 0) -> None:
        super().__init__()
        if kind != "constant" and steps < 1:
            raise ValueError(f"`steps` must be positive for a schedule that is {kind}. Received: {steps!r}.")
        self._config: dict[str, Any] = {"rate": rate, "kind": kind, "steps": steps, "end": end, "warmup_steps": warmup_steps}

    def __call__(self, step: Tensor) -> Tensor:
        """The rate of a step, counted from 0: a float32 scalar."""
        config = self._config
        rate, end, warmup = config["rate"], config["end"], config["warmup_steps"]
        now = ops.cast(step, "float32")
        rise = ops.minimum((now + 1) / warmup, 1.0) if warmup else 1.0
        part = ops.clip((now - warmup) / max(config["steps"] - warmup, 1), 0.0, 1.0)
        if config["kind"] == "cosine":
            return rate * rise * (end + (1 - end) * (1 + ops.cos(math.pi * part)) / 2)
        fall = ops.exp(math.log(end) * part) if config["kind"] == "exponential" else 1.0
        return rate * rise * fall

    def get_config(self) -> dict[str, Any]:
        return dict(self._config)
