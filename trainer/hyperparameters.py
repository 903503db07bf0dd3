"""The settings of the model and of its training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.base import Settings, setting

Activation = Literal["sigmoid", "relu", "prelu", "dice"]
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class Hyperparameters(Settings):
    """The model and its training.

    References:
        - [Zhang et al., 2022](https://arxiv.org/abs/2209.06053) on the second epoch
    """

    embedding_dim: int = setting(16, "The width of a token's embedding.", ge=1)
    attention_hidden_units: Widths = setting((64, 32), "The hidden widths of the local activation unit.")
    attention_activation: Activation = setting("dice", "Its activation.")
    attention_normalize: bool = setting(False, "Whether the attention weights are a softmax over the history.")
    interest_pooling: Literal["attention", "mean"] = setting(
        "attention",
        "How a history is pooled; `mean` is the model's twin that does not look at the candidate: the baseline "
        "that shows what attention is worth.",
    )
    dnn_hidden_units: Widths = setting((128, 64), "The widths of the DNN's hidden layers.")
    dnn_activation: Activation = setting("relu", "Their activation.")
    batch_norm: bool = setting(True, "Whether the DNN's hidden layers are normalized.")
    dropout: float = setting(0.1, "The share of the DNN's hidden values dropped in training.", ge=0, lt=1)
    l2: float = setting(0.0, "The L2 penalty of the DNN's kernels.", ge=0)
    learning_rate: float = setting(
        2e-3,
        "The learning rate. The default trains the attention in one epoch of tens of thousands of rows; millions "
        "of rows leave room for less.",
        main=True,
        gt=0,
    )
    batch_size: int = setting(128, "The rows of a training step.", main=True, ge=1)
    epochs: int = setting(
        1, "How often the training rows are seen; click models overfit from the second time on.", main=True, ge=1
    )
    seed: int = setting(0, "The seed of initial weights, shuffling and dropout.", main=True, ge=0)
