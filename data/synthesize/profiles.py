"""Users' follow lists and favourite topics, derived from the user's number alone, so that no table of users is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from data.synthesize.interests import FloatArray, IntArray, InterestConfig
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR

UintArray = npt.NDArray[np.uint64]

_FOLLOWS, _FOLLOW_COUNT, _FAVOURITES, _FAVOURITE_COUNT = range(4)
_MOST_FAVOURITES = 4
_FOLLOWED_BONUS = 0.5


class Profiles:
    """The users' profiles: the same user gets the same follow list always, and the same favourites all day.

    Args:
        config: InterestConfig. Number of topics and of follows.
        seed: int. Another seed gives other users.
        topic_names: The token of each topic.
    """

    def __init__(self, config: InterestConfig, seed: int, topic_names: Sequence[str]) -> None:
        self._config = config
        self._seed = seed
        self._topic_names = topic_names

    def follows(self, user: IntArray) -> tuple[npt.NDArray[np.bool_], Iterator[str]]:
        """Which topics each user follows, [rows, topics], and the cells that list them."""
        order = np.argsort(self._uniform(_FOLLOWS, user, self._config.topics), axis=1, kind="stable")
        count = (self._uniform(_FOLLOW_COUNT, user, 1)[:, 0] * (self._config.max_follows + 1)).astype(np.int64)
        followed = np.zeros(order.shape, np.bool_)
        np.put_along_axis(followed, order, np.arange(self._config.topics) < count[:, None], axis=1)
        return followed, joined_names(order, count, self._topic_names)

    def favourites(self, user: IntArray, followed: npt.NDArray[np.bool_], day: int) -> Iterator[str]:
        """The cells of each user's favourite topics of the week before `day`, heaviest first; some users have none."""
        affinity = self._uniform(_FAVOURITES, user, self._config.topics, day) + _FOLLOWED_BONUS * followed
        most = min(_MOST_FAVOURITES, self._config.topics)
        order = np.argsort(-affinity, axis=1, kind="stable")[:, :most]
        count = (self._uniform(_FAVOURITE_COUNT, user, 1, day)[:, 0] * (most + 1)).astype(np.int64)
        weights = np.take_along_axis(affinity, order, axis=1) * (np.arange(most) < count[:, None])
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny)
        names = self._topic_names
        for topics, shares, length in zip(order.tolist(), weights.tolist(), count.tolist(), strict=True):
            pairs = zip(topics[:length], shares[:length], strict=True)
            yield LIST_SEPARATOR.join([f"{names[topic]}{WEIGHT_SEPARATOR}{share:.4f}" for topic, share in pairs])

    def _uniform(self, stream: int, user: IntArray, width: int, day: int = 0) -> FloatArray:
        """[rows, width] numbers in [0, 1) that depend on the seed, the stream, the day and the user only."""
        start = np.random.SeedSequence([self._seed, stream, day]).generate_state(1, np.uint64)[0]
        first: UintArray = _mixed(np.bitwise_xor(user.astype(np.uint64), start))[:, None]
        state: UintArray = np.add(first, np.arange(width, dtype=np.uint64), dtype=np.uint64)
        return np.asarray(_mixed(state) >> np.uint64(11), np.float64) * 2.0**-53


def _mixed(state: UintArray) -> UintArray:
    """A bijection of 64-bit numbers whose output bits look independent (two multiply-and-shift rounds)."""
    state = (state ^ (state >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
    state = (state ^ (state >> np.uint64(29))) * np.uint64(0xD6E8FEB86659FD93)
    return state ^ (state >> np.uint64(32))


def joined_names(entries: IntArray, length: IntArray, names: Sequence[str]) -> Iterator[str]:
    """The cells that list the names of each row's first `length` entries."""
    for row, count in zip(entries.tolist(), length.tolist(), strict=True):
        yield LIST_SEPARATOR.join([names[entry] for entry in row[:count]])
