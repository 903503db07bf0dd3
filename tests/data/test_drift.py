"""A drifting log: days before the drift are untouched, days after it differ in what the kind says and in nothing else."""

from __future__ import annotations

import collections
from pathlib import Path

import pytest

from data.csv_files import read_rows
from data.synthesize.command import main

ROWS = 3000
TOPIC_COLUMNS = ("topic_id", "follow_topic_id", "all_topic_fav_7", "hist_topic_id")
Row = dict[str, str]


def _days(out: Path, *arguments: str) -> list[list[Row]]:
    assert main(["--out", str(out), "--rows", str(ROWS), "--spans", "3", *arguments]) == 0
    return [list(read_rows([path])) for path in sorted(out.glob("*.csv"))]


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> list[list[Row]]:
    return _days(tmp_path_factory.mktemp("steady"))


def _without(row: Row, *columns: str) -> Row:
    return {name: cell for name, cell in row.items() if name not in columns}


def _client_share(rows: list[Row]) -> float:
    return collections.Counter(row["client_type"] for row in rows)["1"] / len(rows)


def _renamed(cell: str) -> str:
    """Every second one of the 6 topics by its new name; weights keep theirs."""
    entries = (entry.partition(":") for entry in cell.split(",") if entry)
    return ",".join(str(int(topic) + 6 * (int(topic) % 2)) + colon + weight for topic, colon, weight in entries)


def test_clients_switch_on_the_day_and_stay(tmp_path: Path, steady: list[list[Row]]) -> None:
    days = _days(tmp_path, "--drift-from", "2026-01-02", "--drift-kind", "clients")
    assert days[0] == steady[0]
    assert [_client_share(rows) for rows in days] == pytest.approx([0.3, 0.9, 0.9], abs=0.05)
    for rows, before in zip(days, steady, strict=True):
        assert [_without(row, "client_type") for row in rows] == [_without(row, "client_type") for row in before]


def test_half_of_the_topics_give_way_wherever_they_stood(tmp_path: Path, steady: list[list[Row]]) -> None:
    days = _days(tmp_path, "--drift-from", "2026-01-03", "--drift-kind", "topics")
    assert days[:2] == steady[:2]
    renamed = [{**row, **{name: _renamed(row[name]) for name in TOPIC_COLUMNS}} for row in steady[2]]
    assert days[2] == renamed
    assert {row["topic_id"] for row in days[2]} == {"0", "2", "4", "7", "9", "11"}


def test_both_drift_unless_told_otherwise(
    tmp_path: Path, steady: list[list[Row]], capsys: pytest.CaptureFixture[str]
) -> None:
    days = _days(tmp_path, "--drift-from", "2026-01-03")
    assert "drift        both, from 2026-01-03 on" in capsys.readouterr().out
    assert days[:2] == steady[:2]
    assert {row["topic_id"] for row in days[2]} == {"0", "2", "4", "7", "9", "11"}
    assert _client_share(days[2]) == pytest.approx(0.9, abs=0.05)


def test_drift_from_an_earlier_day_is_there_from_the_first_row(tmp_path: Path) -> None:
    days = _days(tmp_path, "--drift-from", "2025-12-24", "--drift-kind", "clients")
    assert [_client_share(rows) for rows in days] == pytest.approx([0.9] * 3, abs=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--drift-from", "2026-01-04"], "A drift must start by the last day, 2026-01-03. Received: 2026-01-04."),
        (["--drift-kind", "topics"], "`drift_kind` must come with `drift_from`. Received: 'topics' alone."),
    ],
)
def test_drift_that_would_not_show_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
