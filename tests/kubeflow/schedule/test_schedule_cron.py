"""The expected times were computed by robfig/cron 1.2.0, the parser of the server's scheduler."""

from __future__ import annotations

import datetime
import itertools
from zoneinfo import ZoneInfo

import pytest

from kubeflow.schedule.cron import Cron
from kubeflow.schedule.errors import UsageError


def next_times(expression: str, after: str, zone: str) -> list[str]:
    moment = datetime.datetime.fromisoformat(after + "+00:00")
    times = itertools.islice(Cron.parse(expression).times(moment, ZoneInfo(zone)), 3)
    return [f"{time:%Y-%m-%d %H:%M:%S}" for time in times]


@pytest.mark.parametrize(
    ("expression", "after", "zone", "expected"),
    [
        ("0 0 3 * * *", "2026-02-27 12:00:00", "UTC", ["2026-02-28 03:00:00", "2026-03-01 03:00:00", "2026-03-02 03:00:00"]),
        (
            "30 15 10 ? * MON-FRI",
            "2026-11-27 10:15:30",
            "UTC",
            ["2026-11-30 10:15:30", "2026-12-01 10:15:30", "2026-12-02 10:15:30"],
        ),
        (
            "0 0/20 8-9 1,15 JAN-mar ?",
            "2026-01-15 08:50:00",
            "UTC",
            ["2026-01-15 09:00:00", "2026-01-15 09:20:00", "2026-01-15 09:40:00"],
        ),
        (
            "0 0 0 13 * FRI",
            "2026-02-01 00:00:00",
            "UTC",
            ["2026-02-06 00:00:00", "2026-02-13 00:00:00", "2026-02-20 00:00:00"],
        ),
        (
            "0 0 0 */10 * 5",
            "2026-02-01 00:00:00",
            "UTC",
            ["2026-05-01 00:00:00", "2026-07-31 00:00:00", "2026-08-21 00:00:00"],
        ),
        (
            "0 0 0 29 2 *",
            "2026-01-01 00:00:00",
            "UTC",
            ["2028-02-29 00:00:00", "2032-02-29 00:00:00", "2036-02-29 00:00:00"],
        ),
        (
            "5/25 59 23 31 12 *",
            "2026-12-31 23:59:05",
            "UTC",
            ["2026-12-31 23:59:30", "2026-12-31 23:59:55", "2027-12-31 23:59:05"],
        ),
        (
            "0 30 2 * * *",
            "2026-03-28 00:00:00",
            "Europe/Berlin",
            ["2026-03-28 01:30:00", "2026-03-30 00:30:00", "2026-03-31 00:30:00"],
        ),
        (
            "0 30 2 * * *",
            "2026-10-24 00:00:00",
            "Europe/Berlin",
            ["2026-10-24 00:30:00", "2026-10-25 00:30:00", "2026-10-25 01:30:00"],
        ),
        (
            "0 0 9 * * sun",
            "2026-11-24 00:00:00",
            "Asia/Shanghai",
            ["2026-11-29 01:00:00", "2026-12-06 01:00:00", "2026-12-13 01:00:00"],
        ),
    ],
)
def test_times_are_those_of_the_servers_scheduler(expression: str, after: str, zone: str, expected: list[str]) -> None:
    assert next_times(expression, after, zone) == expected


@pytest.mark.parametrize(
    ("expression", "rule"),
    [
        ("0 3 * * *", "Seconds come first: '0 0 3 * * *'?"),
        ("* * * * * * *", "must have six fields"),
        ("", "must have six fields"),
        ("@daily", "must have six fields"),
        ("60 0 3 * * *", "second must be from 0 to 59"),
        ("0 0 24 * * *", "hour must be from 0 to 23"),
        ("0 0 3 0 * *", "day of month must be from 1 to 31"),
        ("0 0 3 * 13 *", "month must be from 1 to 12 or jan to dec"),
        ("0 0 3 * * 7", "day of week must be from 0 to 6 or sun to sat"),
        ("0 0 3 * mon *", "month must be from 1 to 12 or jan to dec"),
        ("0 0 3 * * fri-mon", "ranges must not run backwards"),
        ("0 0/0 3 * * *", "step must be positive"),
        ("0 0,, 3 * * *", "must be a list"),
        ("0 1-2-3 3 * * *", "must be a list"),
        ("0 -1 3 * * *", "must be a list"),
        ("0 0 3 L * *", "day of month must be from 1 to 31"),
        ("0 0 0 30 feb ?", "must fit a day of the next five years"),
    ],
)
def test_an_expression_that_breaks_a_rule_is_refused_with_the_rule(expression: str, rule: str) -> None:
    with pytest.raises(UsageError) as caught:
        Cron.parse(expression)
    assert rule in str(caught.value)
    assert "Received: " in str(caught.value)
