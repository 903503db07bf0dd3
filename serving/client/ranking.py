"""What a ranking request returns."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


@dataclasses.dataclass(frozen=True)
class RankedItem:
    """One candidate in its place.

    Args:
        index: int. Its position among the candidates of the request.
        candidate: Mapping. The candidate as it was given.
        score: float. The model's probability that the user acts on it.
    """

    index: int
    candidate: Mapping[str, object]
    score: float


@dataclasses.dataclass(frozen=True)
class Ranking:
    """The scores of a user's candidates.

    Args:
        candidates: tuple. The candidates as they were given, K.
        scores: Their scores in the same order, float32 [K].
        version: The model's version that has answered; None where the server does not tell, as over REST.
    """

    candidates: tuple[Mapping[str, object], ...]
    scores: NDArray[np.float32]
    version: int | None = dataclasses.field(default=None, kw_only=True)

    @property
    def items(self) -> list[RankedItem]:
        """The candidates, best first; equal scores keep the order they were given in."""
        order = np.argsort(-self.scores, kind="stable").tolist()
        return [RankedItem(index, self.candidates[index], float(self.scores[index])) for index in order]


@dataclasses.dataclass(frozen=True)
class Attended:
    """One entry of the user's history as one candidate saw it.

    Args:
        history: str. The history's name in the declaration.
        position: int. Its place in the history as the model reads it, the oldest kept entry being 0.
        tokens: dict. The entry's token by history column.
        weight: float. Its attention weight.
    """

    history: str
    position: int
    tokens: dict[str, str]
    weight: float


@dataclasses.dataclass(frozen=True)
class Explanation(Ranking):
    """A ranking with the attention that led to it.

    Args:
        attention: dict. By history, the weight of each entry for each candidate, float32 [K, T].
        tokens: dict. By history, by column, the T tokens of its entries, oldest first; empty where there is no entry.
    """

    attention: dict[str, NDArray[np.float32]]
    tokens: dict[str, dict[str, tuple[str, ...]]]

    def attended(self, index: int, top: int | None = None) -> list[Attended]:
        """The history entries by their weight for a candidate, the heaviest first.

        Args:
            index: The candidate's position in the request.
            top: How many at most. Defaults to `None`, all.
        """
        entries = [
            Attended(history, position, tokens, float(weights[index, position]))
            for history, weights in self.attention.items()
            for position, tokens in enumerate(self._entries(history))
            if any(tokens.values())
        ]
        return sorted(entries, key=lambda entry: -entry.weight)[:top]

    def _entries(self, history: str) -> list[dict[str, str]]:
        columns = self.tokens[history]
        return [dict(zip(columns, entry, strict=True)) for entry in zip(*columns.values(), strict=True)]
