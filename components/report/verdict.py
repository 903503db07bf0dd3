"""What a report says of the verdict: the bounds one by one, and what became of the model."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

from components.evaluation.bounds import Bounds
from components.evaluation.checks import Check, checks
from components.evaluation.metrics import Measure
from components.evaluation.verdict import Evaluation, measured
from components.properties import FAILED_BOUNDS, FORCED, number, text
from components.pusher.outcome import AGAIN, DESTINATION, IS_NEW, PUSHED, REASON, REFUSED, REPLACED, VERSION
from components.report.sources import Sources, one


@dataclasses.dataclass(frozen=True)
class HeldTo:
    """A bound and what was held to it.

    Args:
        check: The bound.
        measure: What was measured.
        holds: TFMA's verdict.
        strip: Where the interval's ends, the value and the limit lie on a strip, 0 to 100; None if nothing was measured.
    """

    check: Check
    measure: Measure
    holds: bool
    strip: dict[str, float] | None

    @property
    def most(self) -> str:
        return "at least" if self.check.end == "lower" else "at most"


@dataclasses.dataclass(frozen=True)
class Publication:
    """What became of the model.

    Args:
        state: `published`, `unchanged`, `refused` or `open`, where the run has not come that far.
        version: The version's number, if it has one.
        path: Its folder.
        refused: Why it is not published.
        blessed: The evaluator's word; None if it has not judged.
        forced: Why it is blessed all the same, if bounds do not hold.
        failed_bounds: Which do not.
        fresh: Whether no later span's model is published; None if that was not looked at.
        not_fresh: Why not.
        served: Whether a server has answered as the model was judged; None if none was asked.
        not_served: What was wrong.
        replaced: The version that it took the place of.
        again: The older version that was this very model.
    """

    state: str
    version: str = ""
    path: str = ""
    refused: str = ""
    blessed: bool | None = None
    forced: str = ""
    failed_bounds: str = ""
    fresh: bool | None = None
    not_fresh: str = ""
    served: bool | None = None
    not_served: str = ""
    replaced: str = ""
    again: str = ""


def bounds_of(evaluation: Evaluation, bounds: Bounds) -> list[HeldTo]:
    """The bounds, in the order in which they are checked."""
    found = []
    for check in checks(bounds, evaluation.has_baseline):
        measure = measured(evaluation.overall, check)
        found.append(HeldTo(check, measure, not evaluation.fails(check), _strip(check, measure)))
    return found


def _strip(check: Check, measure: Measure) -> dict[str, float] | None:
    marks = {"lower": measure.lower, "value": measure.value, "upper": measure.upper, "limit": check.limit}
    if not all(math.isfinite(mark) for mark in marks.values()):
        return None
    low, high = min(marks.values()), max(marks.values())
    room = (high - low) * 0.12 or 1e-9
    return {name: round(100 * (mark - low + room) / (high - low + 2 * room), 2) for name, mark in marks.items()}


def publication(sources: Sources) -> Publication:
    """What became of the run's model."""
    pushed, blessing, fresh, served = (one(sources, name) for name in ("pushed_model", "blessing", "freshness", "served"))
    told: dict[str, Any] = {
        "blessed": None if blessing is None else number(blessing, "blessed") == 1,
        "forced": "" if blessing is None else text(blessing, FORCED),
        "failed_bounds": "" if blessing is None else text(blessing, FAILED_BOUNDS).replace(",", ", "),
        "fresh": None if fresh is None else number(fresh, "blessed") == 1,
        "served": None if served is None else number(served, "blessed") == 1,
        "not_served": "" if served is None else text(served, REASON),
        "not_fresh": "" if fresh is None else text(fresh, REASON),
    }
    if pushed is None:
        return Publication("open", **told)
    if not number(pushed, PUSHED):
        return Publication("refused", refused=text(pushed, REFUSED), **told)
    state = "published" if number(pushed, IS_NEW) else "unchanged"
    return Publication(
        state,
        text(pushed, VERSION),
        text(pushed, DESTINATION),
        replaced=text(pushed, REPLACED),
        again=text(pushed, AGAIN),
        **told,
    )
