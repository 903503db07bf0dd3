"""What is known of a user strictly before an event, of logs that tell each event's time."""

from __future__ import annotations

import collections
from typing import Protocol

from data.cells import HISTORY_LENGTH, joined, most_frequent, shares

_CASUAL_FROM = 20
_HEAVY_FROM = 200


class Item(Protocol):
    """An item as tokens."""

    @property
    def topic(self) -> str: ...

    @property
    def keyword(self) -> str: ...


class UserState:
    """One user's past. `add` takes events in order of time; they become known when `advance` moves past their moment.

    Args:
        window: int. How long before an event the visits count as favourites, in the timestamps' unit.
        max_follows: int. Most topics a follow list names.
    """

    __slots__ = ("_favourite", "_history", "_known", "_liked", "_max_follows", "_now", "_pending", "_recent", "_window")

    def __init__(self, window: int, max_follows: int) -> None:
        self._window = window
        self._max_follows = max_follows
        self._now = -1
        self._known = 0
        self._pending: list[tuple[Item, bool, bool]] = []
        self._history: collections.deque[Item] = collections.deque(maxlen=HISTORY_LENGTH)
        self._liked: collections.Counter[str] = collections.Counter()
        self._recent: collections.deque[tuple[int, str]] = collections.deque()
        self._favourite: collections.Counter[str] = collections.Counter()

    @property
    def likes(self) -> int:
        """The number of known liked events."""
        return self._liked.total()

    def advance(self, timestamp: int) -> None:
        """Moves to `timestamp`: earlier events become known, those older than the window leave the favourites.

        Raises:
            ValueError: `timestamp` lies before the one moved to last.
        """
        if timestamp < self._now:
            raise ValueError(f"`timestamp` must not decrease below {self._now}. Received: {timestamp}.")
        if timestamp > self._now:
            for item, visited, liked in self._pending:
                self._known += 1
                if liked:
                    self._liked[item.topic] += 1
                if visited:
                    self._history.append(item)
                    self._favourite[item.topic] += 1
                    self._recent.append((self._now, item.topic))
            self._pending.clear()
            self._now = timestamp
        while self._recent and self._recent[0][0] < timestamp - self._window:
            _, topic = self._recent.popleft()
            self._favourite[topic] -= 1

    def add(self, item: Item, *, visited: bool, liked: bool) -> None:
        """Notes an event of the current moment; it stays unknown until a later one.

        Args:
            item: The item.
            visited: Whether it belongs into the history and the favourites.
            liked: Whether its topic counts among the liked ones.
        """
        self._pending.append((item, visited, liked))

    def activity(self) -> str:
        """How many events the user has so far: `new`, `casual` or `heavy`."""
        if self._known < _CASUAL_FROM:
            return "new"
        return "casual" if self._known < _HEAVY_FROM else "heavy"

    def history(self) -> tuple[str, str]:
        """The cells of the visited items' topics and keywords, oldest first, newest last."""
        return joined(movie.topic for movie in self._history), joined(movie.keyword for movie in self._history)

    def follows(self) -> str:
        """The cell of the most liked topics, most liked first."""
        return most_frequent(self._liked, self._max_follows)

    def favourites(self) -> str:
        """The cell of each topic's share of the visits within the window, largest first."""
        return shares(self._favourite)
