"""The settings of the model and of its training."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, Literal

from trainer.checks import check_activation, check_hidden_units

INTEREST_POOLINGS = ("attention", "mean")


@dataclasses.dataclass(frozen=True)
class Hyperparameters:
    """The settings of the model and of its training, checked.

    Args:
        embedding_dim: The width of a token's embedding.
        embedding_start: The standard deviation of initial embeddings. Rare tokens keep most of what they start with, as
            noise: small starts win on real logs.
        wide: Whether a wide part is added: a weight per token and column.
        wide_crosses: Whether the wide part knows that a history or a list holds the candidate's token.
        attention_hidden_units: The hidden widths of the local activation unit.
        attention_activation: Its activation: 'sigmoid', 'relu', 'prelu' or 'dice'.
        attention_normalize: Whether the attention weights are a softmax over the history.
        attention_match_bias: Whether matching tokens, and the age of a history's position, add to the attention's scores.
        interest_pooling: 'attention', or 'mean' for the model's twin that pools its histories without looking at the
            candidate (if there are no `wide_crosses` either): the baseline that shows what attention is worth.
        dnn_hidden_units: The widths of the DNN's hidden layers.
        dnn_activation: Their activation: 'sigmoid', 'relu', 'prelu' or 'dice'.
        batch_norm: Whether the DNN's hidden layers are normalized.
        dropout: The share of the DNN's hidden values dropped in training.
        l2: The L2 penalty of the DNN's kernels.
        learning_rate: The learning rate of Adam, which trains the attention and the DNN. Those of the others are multiples.
        embedding_rate_ratio: How many times larger the learning rate of Adagrad is, which trains the embeddings. Adam would
            move a token that was seen once by thirty learning rates, however little that told.
        wide_rate_ratio: How many times larger that of Adagrad is for the wide part.
        clip_norm: The largest norm of a step's gradient of one weight; 0 clips nothing.
        batch_size: The rows of a training step.
        epochs: How often the training data is seen at most. Click models overfit from the second or third epoch on.
        patience: After how many epochs without a smaller log loss on the validation rows the training stops. The weights
            are those of the best epoch.
        min_steps: The steps before which it does not stop: attention needs some to find what a log holds.
        seed: The seed of initial weights, shuffling and dropout.

    Raises:
        ValueError: A value is out of its range; the message names it.

    References:
        - [Zhang et al., 2022](https://arxiv.org/abs/2209.06053) on the second epoch
    """

    embedding_dim: int = 16
    embedding_start: float = 0.01
    wide: bool = True
    wide_crosses: bool = True
    attention_hidden_units: tuple[int, ...] = (64, 32)
    attention_activation: str = "sigmoid"
    attention_normalize: bool = True
    attention_match_bias: bool = True
    interest_pooling: Literal["attention", "mean"] = "attention"
    dnn_hidden_units: tuple[int, ...] = (128, 64)
    dnn_activation: str = "relu"
    batch_norm: bool = False
    dropout: float = 0.3
    l2: float = 0.0
    learning_rate: float = 5e-4
    embedding_rate_ratio: float = 40.0
    wide_rate_ratio: float = 100.0
    clip_norm: float = 0.0
    batch_size: int = 256
    epochs: int = 10
    patience: int = 1
    min_steps: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            _check_type(field.name, type(field.default), getattr(self, field.name))
        for name in ("attention_hidden_units", "dnn_hidden_units"):
            object.__setattr__(self, name, check_hidden_units(name, getattr(self, name)))
        for name in ("attention_activation", "dnn_activation"):
            check_activation(name, getattr(self, name))
        for name in (
            "embedding_dim",
            "embedding_start",
            "batch_size",
            "epochs",
            "patience",
            "learning_rate",
            "embedding_rate_ratio",
            "wide_rate_ratio",
        ):
            value = getattr(self, name)
            if not (value > 0 and math.isfinite(value)):
                raise ValueError(f"`{name}` must be positive. Received: {value!r}.")
        for name in ("l2", "clip_norm", "min_steps", "seed"):
            value = getattr(self, name)
            if not (value >= 0 and math.isfinite(value)):
                raise ValueError(f"`{name}` must not be negative. Received: {value!r}.")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"`dropout` must be in [0, 1). Received: {self.dropout!r}.")
        if self.interest_pooling not in INTEREST_POOLINGS:
            raise ValueError(f"`interest_pooling` must be one of {INTEREST_POOLINGS}. Received: {self.interest_pooling!r}.")

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in dataclasses.asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Hyperparameters:
        """The inverse of `to_dict`; what is left out has its default. Raises ValueError on an unknown name."""
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise ValueError(f"Hyperparameters must be among {names}. Received: {unknown}.")
        return cls(**values)


def _check_type(name: str, kind: type, value: Any) -> None:
    """Compares a value with the type of its default. An integer is also a number; a boolean is neither."""
    if kind is bool and not isinstance(value, bool):
        raise ValueError(f"`{name}` must be a boolean. Received: {value!r}.")
    if kind is int and (not isinstance(value, int) or isinstance(value, bool)):
        raise ValueError(f"`{name}` must be an integer. Received: {value!r}.")
    if kind is float and (not isinstance(value, int | float) or isinstance(value, bool)):
        raise ValueError(f"`{name}` must be a number. Received: {value!r}.")
