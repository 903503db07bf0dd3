"""The spans of a back-fill, as a person names them."""

from __future__ import annotations

import datetime
import re

from kubeflow.schedule.errors import UsageError

_NUMBERED = re.compile(r"(span-|)(\d+)")
_MOST = 1000


def spans_of(text: str) -> list[str]:
    """The spans in the order in which they are to be trained.

    Args:
        text: `FROM..TO`, both included, days (`2026-01-01`) or numbers (`3`, `span-3`); or a list separated by commas,
            which is taken as it is.

    Raises:
        UsageError: The bounds are missing, unlike, or the wrong way round; or the range is beyond any back-fill.
    """
    if ".." not in text:
        names = [name.strip() for name in text.split(",")]
        if not all(names):
            raise UsageError(f"`--spans` must be FROM..TO or a list separated by commas. Received: {text!r}.")
        return names
    first, last = (bound.strip() for bound in text.split("..", 1))
    days = _days(first, last)
    if days is not None:
        return _counted([day.isoformat() for day in days], text)
    low, high = _NUMBERED.fullmatch(first), _NUMBERED.fullmatch(last)
    if not low or not high or low[1] != high[1]:
        raise UsageError(f"`--spans` must have two days or two numbers as its bounds. Received: {text!r}.")
    return _counted([f"{low[1]}{number}" for number in range(int(low[2]), min(int(high[2]), int(low[2]) + _MOST) + 1)], text)


def _days(first: str, last: str) -> list[datetime.date] | None:
    try:
        start, end = datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)
    except ValueError:
        return None
    return [start + datetime.timedelta(days=count) for count in range((end - start).days + 1)]


def _counted(spans: list[str], text: str) -> list[str]:
    if not 0 < len(spans) <= _MOST:
        raise UsageError(f"`--spans` must run from an earlier to a later one, {_MOST} at most. Received: {text!r}.")
    return spans
