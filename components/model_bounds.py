"""The bounds a model must hold to be published."""

from __future__ import annotations

from settings.base import Settings, setting


class Bounds(Settings):
    """Publishing the model."""

    min_auc: float = setting(
        0.55,
        "A model of a lower AUC over the whole judging data is not published; random scores reach 0.5.",
        main=True,
        ge=0,
        le=1,
    )
    max_auc_drop: float = setting(
        0.003,
        "Nor is one whose AUC falls this far short of the last blessed model's, on the same data. Less than the "
        "default is the noise between two seeds.",
        main=True,
        ge=0,
    )
