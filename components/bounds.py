"""The bounds a model must hold to be published."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Bounds:
    """The bounds of publication.

    Args:
        min_auc: The least AUC over the whole evaluation data. Random scores reach 0.5.
        max_auc_drop: How far the AUC may fall short of the last blessed model's, on the same data. Less than the default is
            the noise between two seeds.
    """

    min_auc: float = 0.55
    max_auc_drop: float = 0.003

    def __post_init__(self) -> None:
        if not 0.0 <= self.min_auc <= 1.0:
            raise ValueError(f"`min_auc` must be between 0 and 1. Received: {self.min_auc}.")
        if self.max_auc_drop < 0.0:
            raise ValueError(f"`max_auc_drop` must not be negative. Received: {self.max_auc_drop}.")
