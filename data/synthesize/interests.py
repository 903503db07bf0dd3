"""Impressions whose clicks depend on one thing only: whether the candidate matches an entry of the history jointly.

A history is a random one-to-one pairing of distinct topics and distinct keywords. The candidate's topic and keyword
both come from the history, each exactly once in it; a coin, independent of all else, decides whether they come from
the same entry (a match) or from two different ones. So for given candidate, set of history topics, set of history
keywords and profile, a match is as likely as the coin says: nothing but the pairing of the two history columns tells.
The coin is invisible to each column alone, to the item, and to any model that pools the two columns separately.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from transform.declaration import History
from transform.features import DECLARATION

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

_HISTORY_LIMIT = min(f.max_length for f in DECLARATION.features if isinstance(f, History))


@dataclasses.dataclass(frozen=True)
class InterestConfig:
    """What the synthetic impressions look like. The defaults are those of data/sample.

    Args:
        topics: int. Number of topics; their ids are '0' to `topics - 1`.
        keywords: int. Number of keywords; their ids are '0' to `keywords - 1`.
        min_history: int. Fewest entries of a history that is not empty; at least 2, or nothing could fail to match.
        max_history: int. Most entries of a history; lengths are uniform.
        empty_share: float. Share of impressions with an empty history; they are clicked at the base rate.
        match_share: float. Share of the other impressions whose candidate matches.
        click_if_match: float. Click probability of a matching candidate.
        click_if_no_match: float. Click probability of a candidate that does not match.
        rows_per_user: int. Impressions per user on average.
        max_follows: int. Most topics a user follows; their number is uniform from 0.
        follow_boost: float. How many times likelier a followed topic is to enter the history first.
    """

    topics: int = 6
    keywords: int = 6
    min_history: int = 2
    max_history: int = 6
    empty_share: float = 0.04
    match_share: float = 0.5
    click_if_match: float = 0.8
    click_if_no_match: float = 0.1
    rows_per_user: int = 20
    max_follows: int = 4
    follow_boost: float = 3.0

    def __post_init__(self) -> None:
        for name in ("topics", "keywords", "rows_per_user"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be positive. Received: {getattr(self, name)!r}.")
        if self.min_history < 2:
            raise ValueError(f"`min_history` must be at least 2. Received: {self.min_history!r}.")
        limit = min(self.topics, self.keywords, _HISTORY_LIMIT)
        if not self.min_history <= self.max_history <= limit:
            raise ValueError(
                f"`max_history` must lie between `min_history` = {self.min_history} and the smallest of `topics`, "
                f"`keywords` and the declared limit = {limit}. Received: {self.max_history!r}."
            )
        for name in ("empty_share", "match_share", "click_if_match", "click_if_no_match"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"`{name}` must lie between 0 and 1. Received: {getattr(self, name)!r}.")
        if not 0 <= self.max_follows <= self.topics:
            raise ValueError(
                f"`max_follows` must lie between 0 and `topics` = {self.topics}. Received: {self.max_follows!r}."
            )
        if not 1.0 <= self.follow_boost < float("inf"):
            raise ValueError(f"`follow_boost` must be finite and at least 1. Received: {self.follow_boost!r}.")

    @property
    def base_rate(self) -> float:
        """The click rate of all impressions, and of every value of every column alone."""
        return self.match_share * self.click_if_match + (1.0 - self.match_share) * self.click_if_no_match


@dataclasses.dataclass(frozen=True)
class Impressions:
    """Some impressions as arrays, one row each. Entry j of a history counts when j < length."""

    clicked: npt.NDArray[np.bool_]
    probability: FloatArray
    topic: IntArray
    keyword: IntArray
    history_topics: IntArray
    history_keywords: IntArray
    length: IntArray


def draw_impressions(config: InterestConfig, followed: npt.NDArray[np.bool_], rng: np.random.Generator) -> Impressions:
    """Draws one impression per row of `followed`.

    Args:
        config: The parameters.
        followed: [rows, topics]. Whether the row's user follows the topic.
        rng: The source of all randomness.
    """
    rows = len(followed)
    index = np.arange(rows)
    weights = np.where(followed, config.follow_boost, 1.0)
    topics = _smallest(-np.log1p(-rng.random((rows, config.topics))) / weights, config.max_history)
    keywords = _smallest(rng.random((rows, config.keywords)), config.max_history)
    length = rng.integers(config.min_history, config.max_history + 1, rows)
    position = (rng.random(rows) * length).astype(np.int64)
    other = (position + 1 + (rng.random(rows) * (length - 1)).astype(np.int64)) % length
    match = rng.random(rows) < config.match_share
    empty = rng.random(rows) < config.empty_share
    probability = np.where(match, config.click_if_match, config.click_if_no_match)
    probability = np.where(empty, config.base_rate, probability)
    return Impressions(
        clicked=rng.random(rows) < probability,
        probability=probability,
        topic=topics[index, position],
        keyword=keywords[index, np.where(match, position, other)],
        history_topics=topics,
        history_keywords=keywords,
        length=np.where(empty, 0, length),
    )


def _smallest(keys: FloatArray, count: int) -> IntArray:
    """The columns of each row's `count` smallest keys, smallest first."""
    if count < keys.shape[1]:
        columns = np.argpartition(keys, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(keys, columns, axis=1), axis=1, kind="stable")
        return np.take_along_axis(columns, order, axis=1)
    return np.argsort(keys, axis=1, kind="stable")
