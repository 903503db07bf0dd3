"""How numbers and names read in a report."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from components.evaluation.metrics import Measure
from components.evaluation.models import BASELINE, CONSTANT, ITEMS
from components.model_card.text import NAMES, moment

_NOTHING = "not measured"
# Where a chart has little room.
_SHORT = {BASELINE: "last blessed model", CONSTANT: "constant", ITEMS: "items\u2019 click rate"}
_MINUS, _THIN, TIMES = "\u2212", "\u202f", "\u00d7"


def filters() -> dict[str, Callable[..., Any]]:
    """The templates' filters."""
    return {
        "value": value,
        "signed": signed,
        "interval": interval,
        "count": count,
        "percent": percent,
        "model_name": model_name,
        "moment": moment,
    }


def value(number: float | None, digits: int = 4) -> str:
    """A measured number."""
    return _NOTHING if number is None or math.isnan(number) else f"{number:.{digits}f}".replace("-", _MINUS)


def signed(number: float | None, digits: int = 4) -> str:
    """A difference, with its sign."""
    return _NOTHING if number is None or math.isnan(number) else f"{number:+.{digits}f}".replace("-", _MINUS)


def interval(measure: Measure | dict[str, float | None], digits: int = 4) -> str:
    """The ends of an interval; empty if there is none."""
    ends = (measure["lower"], measure["upper"]) if isinstance(measure, dict) else (measure.lower, measure.upper)
    if any(end is None or math.isnan(end) for end in ends):
        return ""
    return f"{value(ends[0], digits)} to {value(ends[1], digits)}"


def count(number: float) -> str:
    """A number of things, in groups of three digits."""
    return f"{int(number):,}".replace(",", _THIN)


def percent(number: float, digits: int = 2) -> str:
    """A share, in percent."""
    return _NOTHING if number is None or math.isnan(number) else f"{100 * number:.{digits}f}{_THIN}%"


def model_name(name: str) -> str:
    """A model's name, in words."""
    return _SHORT.get(name) or NAMES.get(name, name).replace("'", "\u2019")
