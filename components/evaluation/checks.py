"""What a model is held to: which end of which interval, and against what."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Literal

from components.evaluation.bounds import Bounds
from components.evaluation.metrics import AUC, CALIBRATION, GAUC, LOG_LOSS
from components.evaluation.models import BASELINE, CONSTANT, ITEMS, LOGISTIC

TITLES = {AUC: "AUC", GAUC: "GAUC", LOG_LOSS: "log loss", CALIBRATION: "calibration"}
OTHERS = {
    BASELINE: "the last blessed model",
    CONSTANT: "a constant",
    ITEMS: "the items' click rates",
    LOGISTIC: "logistic regression",
}


@dataclasses.dataclass(frozen=True)
class Check:
    """A bound.

    Args:
        metric: The metric.
        other: The model whose value is subtracted; empty if none is.
        end: Which end of the interval is held to the limit: the lower one must not be below it, the upper one not above.
        limit: The limit.
    """

    metric: str
    other: str
    end: Literal["lower", "upper"]
    limit: float

    @property
    def key(self) -> str:
        """The name of the metric for TFMA, which holds numbers to thresholds. A difference to the baseline has a key of its
        own kind there.
        """
        minus = f"_minus_{self.other}" if self.other not in ("", BASELINE) else ""
        return f"{self.metric}{minus}_{self.end}"

    @property
    def title(self) -> str:
        return TITLES[self.metric] + (f" against {OTHERS[self.other]}" if self.other else "")


def checks(bounds: Bounds, has_baseline: bool) -> list[Check]:
    """The bounds that hold for a model; without a baseline there is nothing that it could be worse than."""
    return list(_checks(bounds, has_baseline))


def _checks(bounds: Bounds, has_baseline: bool) -> Iterator[Check]:
    if bounds.min_auc > 0:
        yield Check(AUC, "", "lower", bounds.min_auc)
    if bounds.min_gauc > 0:
        yield Check(GAUC, "", "lower", bounds.min_gauc)
    if has_baseline:
        if bounds.max_auc_drop < 1:
            yield Check(AUC, BASELINE, "lower", 0.0 - bounds.max_auc_drop)
        if bounds.max_gauc_drop < 1:
            yield Check(GAUC, BASELINE, "lower", 0.0 - bounds.max_gauc_drop)
        if bounds.max_log_loss_rise is not None:
            yield Check(LOG_LOSS, BASELINE, "upper", bounds.max_log_loss_rise)
    if bounds.min_gain_over_constant is not None:
        yield Check(LOG_LOSS, CONSTANT, "upper", 0.0 - bounds.min_gain_over_constant)
    if bounds.min_gain_over_items is not None:
        yield Check(GAUC, ITEMS, "lower", bounds.min_gain_over_items)
    if bounds.min_gain_over_logistic is not None:
        yield Check(GAUC, LOGISTIC, "lower", bounds.min_gain_over_logistic)
    if bounds.max_miscalibration is not None:
        yield Check(CALIBRATION, "", "lower", 1 - bounds.max_miscalibration)
        yield Check(CALIBRATION, "", "upper", 1 + bounds.max_miscalibration)
