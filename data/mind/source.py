"""Reads the Microsoft News Dataset: news.tsv as a table of tokens, behaviors.tsv impression by impression.

Both files have no header and no quoting: a record is one line, its cells are what stands between tabs.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from data.cells import token
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR

Keyword = Literal["subcategory", "entity"]
KEYWORDS: tuple[str, ...] = get_args(Keyword)
_NEWS_CELLS = 8
_BEHAVIOR_CELLS = 5
_TIME = "%m/%d/%Y %I:%M:%S %p"
_UNLABELLED_ENOUGH = 100


@dataclasses.dataclass(frozen=True, slots=True)
class News:
    """A news article as tokens: its category, its subcategory or main entity, and what its card shows."""

    topic: str
    keyword: str
    form: str


@dataclasses.dataclass(frozen=True, slots=True)
class Impression:
    """What one user was shown at once: news ids and whether each was clicked; `history` is oldest first."""

    number: str
    user: str
    time: datetime.datetime
    history: tuple[str, ...]
    candidates: tuple[tuple[str, bool], ...]


@dataclasses.dataclass
class Counts:
    """Where every line, candidate and history entry went: read = used + each of the rest."""

    news: int = 0
    news_malformed: int = 0
    entities_malformed: int = 0
    impressions: int = 0
    impressions_malformed: int = 0
    candidates_malformed: int = 0
    candidates_unknown: int = 0
    candidates_left_out: int = 0
    history_unknown: int = 0
    rows: int = 0
    clicks: int = 0


def read_news(path: Path, keyword: Keyword, news: dict[str, News], counts: Counts) -> None:
    """Adds the articles of a news.tsv to `news`. Ids that are there already, from another part, keep their article.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: No line of it is a news article.
    """
    seen: set[str] = set()
    for line in _lines(path):
        cells = [] if line is None else line.split("\t")
        if len(cells) != _NEWS_CELLS:
            counts.news_malformed += 1
            continue
        news_id, category, subcategory, _, abstract, _, *entity_cells = (cell.strip() for cell in cells)
        topic, fallback = token(category), token(subcategory)
        if not news_id or news_id in seen or not topic or not fallback:
            counts.news_malformed += 1
            continue
        seen.add(news_id)
        found = [_main_entity(cell) for cell in entity_cells]
        counts.entities_malformed += found.count(None)
        entity = next(filter(None, found), "")
        form = ("abstract" if abstract else "title") + ("+entities" if entity else "")
        chosen = entity if keyword == "entity" and entity else fallback
        news.setdefault(news_id, News(sys.intern(topic), sys.intern(chosen), sys.intern(form)))
    if not seen:
        raise ValueError(f"{path} must hold news in {_NEWS_CELLS} cells separated by tabs. Received: none.")
    counts.news = len(news)


def read_impressions(path: Path, counts: Counts) -> Iterator[Impression]:
    """The well-formed impressions of a behaviors.tsv, in the file's order; nothing of it is kept.

    Raises:
        FileNotFoundError: The file is missing.
        ValueError: The candidates have no labels, as in the released test split.
    """
    labelled = unlabelled = 0
    for line in _lines(path):
        impression, has_label = _impression(line, counts)
        labelled += has_label is True
        unlabelled += has_label is False
        if unlabelled >= _UNLABELLED_ENOUGH and not labelled:
            break
        if impression is None:
            counts.impressions_malformed += 1
        else:
            counts.impressions += 1
            yield impression
    if unlabelled and not labelled:
        raise ValueError(
            f"{path} must label its candidates, as in 'N55689-1 N35729-0'; the test split has no labels and cannot be "
            f"converted. Received: {unlabelled} impressions without any label."
        )


def _impression(line: str | None, counts: Counts) -> tuple[Impression | None, bool | None]:
    """The impression, if the line is one, and whether it has labels, if that can be told."""
    cells = [] if line is None else line.split("\t")
    if len(cells) != _BEHAVIOR_CELLS:
        return None, None
    number, user, time, history, shown = (cell.strip() for cell in cells)
    moment = _moment(time)
    if moment is None or not user or LIST_SEPARATOR in user or WEIGHT_SEPARATOR in user or not user.isprintable():
        return None, None
    candidates = []
    malformed = 0
    for candidate in shown.split():
        news_id, _, label = candidate.rpartition("-")
        if news_id and label in ("0", "1"):
            candidates.append((news_id, label == "1"))
        else:
            malformed += 1
    if not candidates:
        return None, False if malformed else None
    counts.candidates_malformed += malformed
    return Impression(number, user, moment, tuple(history.split()), tuple(candidates)), True


def _lines(path: Path) -> Iterator[str | None]:
    """The lines that are not empty, without their ends; None for one that is not UTF-8."""
    with path.open("rb") as file:
        for number, line in enumerate(file):
            try:
                text = line.rstrip(b"\r\n").decode("utf-8" if number else "utf-8-sig")
            except UnicodeDecodeError:
                yield None
            else:
                if text:
                    yield text


def _moment(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, _TIME)
    except ValueError:
        return None


def _main_entity(cell: str) -> str | None:
    """The Wikidata id linked with the most confidence, the first mentioned of equals; '' without any, None if unreadable."""
    if not cell:
        return ""
    try:
        named = [(entity, token(entity["WikidataId"])) for entity in json.loads(cell)]
        ranked = sorted(
            (-float(entity["Confidence"]), min(map(int, entity["OccurrenceOffsets"]), default=0), name)
            for entity, name in named
            if name
        )
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return ranked[0][2] if ranked else ""
