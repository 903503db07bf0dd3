"""The page of a report: every section whatever a run has come to, and data that look like HTML stay text."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from components.report.charts import axis, chart, rows
from components.report.page import render
from tests.browser import see

SECTIONS = ["verdict", "quality", "scores", "attention", "features", "data", "training", "network", "card"]
HOSTILE = """<script>document.title = 'taken'</script><img src=x onerror="alert('in')">&amp;"""
SETTINGS = SimpleNamespace(report_rows=10, report_impressions=3)


def publication(state: str = "open", **told: Any) -> SimpleNamespace:
    names = ("version", "path", "refused", "forced", "failed_bounds", "not_fresh", "replaced", "again")
    return SimpleNamespace(
        **{"state": state, "blessed": None, "fresh": None, "served": None, **dict.fromkeys(names, ""), **told}
    )


def page(**values: Any) -> str:
    return render({"publication": publication(), "spans": {"facts": [], "charts": []}, "settings": SETTINGS, **values})


def hostile_heat() -> SimpleNamespace:
    candidate = SimpleNamespace(cells={"topic_id": HOSTILE}, score=0.5, clicked=True)
    row = SimpleNamespace(tokens={"hist": HOSTILE}, weights=(0.5, 0.1), heat=(100, 4), matches=(True, False))
    return SimpleNamespace(
        candidates=(candidate, candidate), rows=(row,), length=5, left_out=0, left_weights=(0, 0), strongest=2.5
    )


def test_a_run_that_came_to_nothing_has_every_section_and_says_so(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text(page(), encoding="utf-8")
    seen = see(path, tmp_path, 360)
    assert seen.sections == SECTIONS
    assert seen.console == []
    assert seen.width <= 360
    for words in (
        "Not finished",
        "The run has judged no model.",
        "The run has ingested nothing.",
        "no exported model to draw",
    ):
        assert words in seen.text


def test_tokens_reasons_and_paths_that_hold_html_are_shown_as_they_are(tmp_path: Path) -> None:
    fact = SimpleNamespace(
        name=HOSTILE, read=1, used=1, rejected=0, click_rate=0.5, drift=(0.1, HOSTILE), new_tokens=None, oov=(0.1, HOSTILE)
    )
    path = tmp_path / "report.html"
    text = page(
        publication=publication("refused", refused=HOSTILE, not_fresh=HOSTILE, blessed=True, fresh=False),
        heat=[hostile_heat()],
        spans={"facts": [fact], "charts": [named_chart(HOSTILE)]},
    )
    path.write_text(text, encoding="utf-8")
    seen = see(path, tmp_path, 1280)
    assert seen.scripts == 0
    assert seen.outside == 0
    assert seen.console == []
    assert seen.text.count("<script>document.title") >= 6
    assert "2.5 times an equal share" in seen.text


def named_chart(name: str) -> str:
    mark = {"mark": "bar", "encoding": {"x": axis("value"), "y": axis("name", kind="nominal", axis={"labelLimit": 1000})}}
    return chart({**rows([{"name": name, "value": 1}]), **mark}, f"of {name}", height=60)


def test_a_chart_tells_its_values_on_hovering_and_takes_its_colours_from_the_page() -> None:
    svg = named_chart("topic")
    assert 'role="img" aria-label="of topic"' in svg
    assert "<title>value: 1; name: topic</title>" in svg
    assert "var(--muted)" in svg
    assert "http" not in svg.replace("http://www.w3.org/", "")


@pytest.mark.parametrize(("state", "words"), [("published", "Published as version 7"), ("unchanged", "Nothing new")])
def test_the_page_begins_with_what_became_of_the_model(state: str, words: str) -> None:
    assert words in page(publication=publication(state, version="7"))


def test_a_forced_publication_says_why_and_in_spite_of_what() -> None:
    told = page(publication=publication("published", version="7", forced="a demo", failed_bounds="auc_lower", blessed=True))
    assert "published by force" in told
    assert "a demo" in told
    assert "auc_lower" in told
