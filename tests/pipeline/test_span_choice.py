"""Which spans `make ingest` takes in."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.config import RunConfig
from pipeline.span_choice import chosen_spans

DAYS = ["2026-01-01", "2026-01-02", "2026-01-04", "2026-01-05"]


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    for day in DAYS:
        (tmp_path / day).mkdir()
        (tmp_path / day / "a.csv").write_text("act\n")
    return RunConfig(data_root=str(tmp_path), state_root=str(tmp_path / "state"), window_spans=2)


@pytest.mark.parametrize(
    ("text", "chosen"),
    [
        ("", DAYS[1:]),
        ("2026-01-02..2026-01-04", DAYS[1:3]),
        ("2026-01-03..2026-02-01", DAYS[2:]),
        ("..2026-01-02", DAYS[:2]),
        ("2026-01-05,2026-01-01", [DAYS[0], DAYS[3]]),
    ],
)
def test_spans_are_chosen_oldest_first(config: RunConfig, text: str, chosen: list[str]) -> None:
    assert chosen_spans(text, config) == chosen


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-01-03", "Received: 2026-01-03, which is missing or late"),
        ("2026-02-01..", "Received: 2026-02-01.., without one"),
        ("monday..", "Received: 'monday'"),
    ],
)
def test_what_is_not_there_is_named(config: RunConfig, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chosen_spans(text, config)


def test_the_window_ends_with_the_newest_complete_span(config: RunConfig, tmp_path: Path) -> None:
    for day in DAYS[:3]:
        (tmp_path / day / "_SUCCESS").write_text("")
    assert chosen_spans("", config.model_copy(update={"complete_marker": "_SUCCESS"})) == DAYS[:3]
    with pytest.raises(ValueError, match="must be complete, with a file _SUCCESS"):
        chosen_spans(DAYS[3], config.model_copy(update={"complete_marker": "_SUCCESS"}))
