"""The bounds a model must hold to be published, and how sure that must be."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.base import Settings, setting


class Bounds(Settings):
    """Publishing the model."""

    min_auc: float = setting(
        0.55,
        "The AUC that a model must surely have: the lower end of its interval is held to it. Random scores reach 0.5; 0 "
        "asks nothing.",
        main=True,
        ge=0,
        le=1,
    )
    min_gauc: float = setting(
        0.5,
        "The same of GAUC, the AUC within each client, weighted by impressions. 0 asks nothing.",
        main=True,
        ge=0,
        le=1,
    )
    max_auc_drop: float = setting(
        0.01,
        "The most that a model's AUC may fall short of the last blessed model's, on the same rows: the lower end of the "
        "difference's interval is held to it. 1 asks nothing.",
        main=True,
        ge=0,
        le=1,
    )
    max_gauc_drop: float = setting(
        0.02,
        "The same of GAUC. 1 asks nothing.",
        main=True,
        ge=0,
        le=1,
    )
    max_log_loss_rise: Annotated[float, Field(ge=0)] | None = setting(
        None, "The same of log loss, which is better the lower it is; `none` asks nothing."
    )
    min_gain_over_constant: float | None = setting(
        0.0,
        "By how much a model's log loss must surely be lower than that of a constant, the click rate of the rows that "
        "train; `none` asks nothing.",
        main=True,
    )
    min_gain_over_items: float | None = setting(
        0.0,
        "By how much a model's GAUC must surely be above that of each item's click rate among the rows that train; `none` "
        "asks nothing.",
        main=True,
    )
    min_gain_over_logistic: float | None = setting(
        None,
        "By how much a model's GAUC must surely be above that of a logistic regression on the same columns; `none` asks "
        "nothing.",
        main=True,
    )
    max_miscalibration: Annotated[float, Field(gt=0)] | None = setting(
        None,
        "How far the sum of the scores may surely be off the number of clicks, as a share of it; `none` asks nothing.",
        main=True,
    )
    confidence: float = setting(
        0.95, "How sure intervals are: the share of clients' resamplings that lie within them.", gt=0, lt=1
    )
    resamplings: int = setting(200, "How often the clients are resampled for the intervals.", ge=20)
    resampling_seed: int = setting(0, "The seed of the resampling.", ge=0)
    min_slice_rows: int = setting(200, "The least rows of a slice whose metrics are shown.", ge=1)
    logistic_rows: int = setting(
        50_000, "The most rows that the logistic regression is trained on; 0 leaves it out. More are sampled.", ge=0
    )
    force_publication: str | None = setting(
        None,
        "Why a model is to be published although it breaks bounds: a text that is kept with its blessing; or `none`. The "
        "next model is compared with it.",
        main=True,
    )
