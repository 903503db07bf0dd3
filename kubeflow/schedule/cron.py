"""Cron expressions as Kubeflow Pipelines reads them: six fields, seconds first.

The server parses them with robfig/cron 1.2 (https://pkg.go.dev/github.com/robfig/cron@v1.2.0), which differs from
crontab(5): seconds come first, Sunday is 0 and never 7, and `a/n` means from `a` to the end. Some of what it accepts is an
error here, because nobody means it: five fields, which it takes for seconds to months (`0 3 * * *` would run each hour), a
list with an empty member, and days that never come.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from kubeflow.schedule.errors import UsageError

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: dict[str, tuple[int, int, dict[str, int]]] = {
    "second": (0, 59, {}),
    "minute": (0, 59, {}),
    "hour": (0, 23, {}),
    "day of month": (1, 31, {}),
    "month": (1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    "day of week": (0, 6, {name: number for number, name in enumerate(_WEEKDAYS)}),
}
_RANGE = re.compile(r"(?:(?P<any>[*?])|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>\d+))?", re.ASCII)
_HORIZON = datetime.timedelta(days=5 * 366)  # robfig/cron looks five years ahead
_UTC = datetime.UTC


@dataclass(frozen=True)
class Cron:
    """A schedule: the values that each field allows, and whether a day field holds `*` or `?`."""

    expression: str
    seconds: tuple[int, ...]
    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool

    @classmethod
    def parse(cls, expression: str) -> Cron:
        """Reads `second minute hour day-of-month month day-of-week`.

        Args:
            expression: Each field is a list of `*`, `?`, `a`, `a-b`, any of them with `/step`; months and days of the week
                also by their English three-letter names.

        Raises:
            UsageError: The expression breaks a rule, or no day of the next five years fits it.
        """
        fields = expression.split()
        if len(fields) != len(_FIELDS):
            hint = f" Seconds come first: '0 {' '.join(fields)}'?" if len(fields) == 5 else ""
            raise UsageError(
                f"`cron` must have six fields (second minute hour day-of-month month day-of-week).{hint}"
                f" Received: {expression!r}."
            )
        parsed = [_values(field, name) for field, name in zip(fields, _FIELDS, strict=True)]
        seconds, minutes, hours, days, months, weekdays = (sorted(values) for values, _ in parsed)
        cron = cls(
            " ".join(fields),
            tuple(seconds),
            tuple(minutes),
            tuple(hours),
            frozenset(days),
            frozenset(months),
            frozenset(weekdays),
            any_day=parsed[3][1] or parsed[5][1],
        )
        if next(cron.times(datetime.datetime.now(_UTC), ZoneInfo("UTC")), None) is None:
            raise UsageError(f"`cron` must fit a day of the next five years. Received: {expression!r}.")
        return cron

    def times(self, after: datetime.datetime, zone: ZoneInfo) -> Iterator[datetime.datetime]:
        """The times after `after` in UTC, the fields being read in `zone`.

        As on the server, a time that the clocks skip in spring does not come, and one that they repeat in autumn comes
        twice.
        """
        day = after.astimezone(zone).date()
        last = day + _HORIZON
        while day <= last:
            if self._fits(day):
                last = day + _HORIZON
                for hour in self.hours:
                    yield from (time for time in self._times_of_hour(day, hour, zone) if time > after)
            day += datetime.timedelta(days=1)

    def _fits(self, day: datetime.date) -> bool:
        if day.month not in self.months:
            return False
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        # With both day fields given either is enough, as in crontab.
        return (of_month and of_week) if self.any_day else (of_month or of_week)

    def _times_of_hour(self, day: datetime.date, hour: int, zone: ZoneInfo) -> list[datetime.datetime]:
        walls = [
            datetime.datetime(day.year, day.month, day.day, hour, minute, second)
            for minute in self.minutes
            for second in self.seconds
        ]
        times = {
            wall.replace(tzinfo=zone, fold=fold).astimezone(_UTC)
            for wall in walls
            for fold in (0, 1)
            if _exists(wall.replace(tzinfo=zone, fold=fold))
        }
        return sorted(times)


def _exists(local: datetime.datetime) -> bool:
    return local.astimezone(_UTC).astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None, fold=0)


def _values(field: str, name: str) -> tuple[set[int], bool]:
    values: set[int] = set()
    has_any = False
    for member in field.split(","):
        match = _RANGE.fullmatch(member)
        if match is None:
            raise UsageError(
                f"`cron`'s {name} must be a list of `*`, `?`, `a`, `a-b`, each with `/step` if wanted. Received: {field!r}."
            )
        values |= set(_range(match, name, field))
        has_any |= match["any"] is not None
    return values, has_any


def _range(match: re.Match[str], name: str, field: str) -> range:
    lowest, highest, _ = _FIELDS[name]
    step = int(match["step"] or 1)
    if step < 1:
        raise UsageError(f"`cron`'s step must be positive for the {name}. Received: {field!r}.")
    if match["any"]:
        return range(lowest, highest + 1, step)
    first = _value(match["first"], name, field)
    # A single value with a step is the start of a range.
    end = highest if match["step"] else first
    last = _value(match["last"], name, field) if match["last"] else end
    if first > last:
        raise UsageError(f"`cron`'s ranges must not run backwards for the {name}. Received: {field!r}.")
    return range(first, last + 1, step)


def _value(text: str, name: str, field: str) -> int:
    lowest, highest, names = _FIELDS[name]
    value = names.get(text.lower(), int(text) if text.isdigit() else -1)
    if not lowest <= value <= highest:
        spoken = f" or {next(iter(names))} to {list(names)[-1]}" if names else ""
        raise UsageError(f"`cron`'s {name} must be from {lowest} to {highest}{spoken}. Received: {field!r}.")
    return value
