"""What a MIND impression tells of its user: all of it from the history, which was clicked before the impression."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from data.cells import HISTORY_LENGTH, joined, most_frequent, shares
from data.mind.source import News

_CASUAL_FROM = 5
_HEAVY_FROM = 50


def activity(clicks: int) -> str:
    """How much the user has clicked before: `new`, `casual` or `heavy`."""
    if clicks < _CASUAL_FROM:
        return "new"
    return "casual" if clicks < _HEAVY_FROM else "heavy"


def profile_cells(history: Sequence[News], max_follows: int) -> tuple[str, str]:
    """The cells of `follow_topic_id` and `all_topic_fav_7`: the history's topics, most frequent first, and their shares."""
    topics = collections.Counter(article.topic for article in history)
    return most_frequent(topics, max_follows), shares(topics)


def history_cells(history: Sequence[News]) -> tuple[str, str]:
    """The cells of the newest articles' topics and keywords, oldest first, newest last."""
    newest = history[-HISTORY_LENGTH:]
    return joined(article.topic for article in newest), joined(article.keyword for article in newest)
