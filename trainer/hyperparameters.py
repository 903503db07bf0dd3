"""The settings of the model and of its training."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.base import Settings, setting

# The key of the trainer's `custom_config` that names the folder of a training's finished epochs.
CHECKPOINTS = "checkpoints"

Activation = Literal["sigmoid", "relu", "prelu", "dice"]
Widths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1)]


class Hyperparameters(Settings):
    """The model and its training.

    References:
        - [Zhang et al., 2022](https://arxiv.org/abs/2209.06053) on the second epoch
    """

    embedding_dim: int = setting(16, "The width of a token's embedding.", ge=1)
    embedding_start: float = setting(
        0.01,
        "The standard deviation of initial embeddings. Rare tokens keep most of what they start with, as noise: small "
        "starts win on real logs.",
        gt=0,
    )
    wide: bool = setting(True, "Whether a wide part is added: a weight per token and column.")
    wide_crosses: bool = setting(True, "Whether the wide part knows that a history or a list holds the candidate's token.")
    attention_hidden_units: Widths = setting((64, 32), "The hidden widths of the local activation unit.")
    attention_activation: Activation = setting("sigmoid", "Its activation.")
    attention_normalize: bool = setting(True, "Whether the attention weights are a softmax over the history.")
    attention_match_bias: bool = setting(
        True, "Whether matching tokens, and the age of a history's position, add to the attention's scores."
    )
    interest_pooling: Literal["attention", "mean"] = setting(
        "attention",
        "How a history is pooled; `mean` is the model's twin that does not look at the candidate (if there are no "
        "`wide_crosses` either): the baseline that shows what attention is worth.",
    )
    dnn_hidden_units: Widths = setting((128, 64), "The widths of the DNN's hidden layers.")
    dnn_activation: Activation = setting("relu", "Their activation.")
    batch_norm: bool = setting(False, "Whether the DNN's hidden layers are normalized.")
    dropout: float = setting(0.3, "The share of the DNN's hidden values dropped in training.", ge=0, lt=1)
    l2: float = setting(0.0, "The L2 penalty of the DNN's kernels.", ge=0)
    learning_rate: float = setting(
        5e-4,
        "The learning rate of Adam, which trains the attention and the DNN. Those of the others are multiples of it.",
        main=True,
        gt=0,
    )
    rate_schedule: Literal["constant", "cosine", "exponential"] = setting(
        "constant", "How all learning rates fall, over as many steps as `epochs` epochs have."
    )
    rate_end: float = setting(0.01, "The share of the learning rates that is left at the end of the schedule.", gt=0, le=1)
    warmup_steps: int = setting(0, "Over how many steps all learning rates rise from nothing, before they fall.", ge=0)
    weight_decay: float = setting(
        0.0, "The share of the DNN's kernels, times the learning rate, that each step takes off: decoupled from Adam.", ge=0
    )
    embedding_rate_ratio: float = setting(
        40.0,
        "How many times larger the learning rate of Adagrad is, which trains the embeddings. Adam would move a token that "
        "was seen once by thirty learning rates, however little that told.",
        gt=0,
    )
    wide_rate_ratio: float = setting(
        100.0, "How many times larger that of Adagrad is for the wide part, and for what matches add to the attention.", gt=0
    )
    clip_norm: float = setting(0.0, "The largest norm of a step's gradient of one weight; 0 clips nothing.", ge=0)
    batch_size: int = setting(256, "The rows of a training step.", main=True, ge=1)
    negative_share: float = setting(
        1.0,
        "The share of the training rows without a click that is kept, chosen by a hash. The scores are corrected for it; "
        "the rows that tell when to stop, and those that judge, all stay.",
        gt=0,
        le=1,
    )
    epochs: int = setting(
        10,
        "How often the training rows are seen at most; the training stops before, by rows that are held out. Click models "
        "overfit from the second or third epoch on.",
        main=True,
        ge=1,
    )
    patience: int = setting(
        1,
        "After how many epochs without a smaller log loss on the validation rows the training stops. The weights are those "
        "of the best epoch.",
        ge=1,
    )
    min_steps: int = setting(
        1000, "The steps before which it does not stop: attention needs some to find what a log holds.", ge=0
    )
    warm_start: bool = setting(
        False,
        "Whether the training starts from the last blessed model of an earlier span: tokens that are still there keep what "
        "was learned of them.",
    )
    checkpoints: bool = setting(
        True,
        "Whether each finished epoch is kept until the model is exported, so that a killed training goes on from there.",
    )
    seed: int = setting(0, "The seed of initial weights, shuffling and dropout.", main=True, ge=0)
