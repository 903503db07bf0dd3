"""Two candidates' attention over one past, as rows of a table whose cells are as dark as the weight is large."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from components.report.attention import Candidate, Contrast

# The most past items that are shown; of longer histories, those that either candidate lights most.
_SHOWN = 12
# How many equal shares make the darkest cell, at least.
_FULL = 2.0


@dataclasses.dataclass(frozen=True)
class HeatRow:
    """A past item.

    Args:
        age: Its place, 1 for the newest.
        tokens: Its tokens by column.
        weights: The two candidates' weights.
        heat: How dark their cells are, 0 to 100: by the square of the weight, so that what stands out does.
        matches: For either candidate, whether it shares a token with this item.
    """

    age: int
    tokens: dict[str, str]
    weights: tuple[float, float]
    heat: tuple[int, int]
    matches: tuple[bool, bool]


@dataclasses.dataclass(frozen=True)
class HeatMap:
    """A user's past as two candidates light it; `left_out` items are not shown, which hold `left_weights` together."""

    candidates: tuple[Candidate, Candidate]
    rows: tuple[HeatRow, ...]
    length: int
    left_out: int
    left_weights: tuple[float, float]

    @property
    def strongest(self) -> float:
        """How many equal shares the largest weight is."""
        return self.length * max((max(row.weights) for row in self.rows), default=0.0)


def heat_maps(contrasts: Sequence[Contrast]) -> list[HeatMap]:
    """The tables."""
    return [_heat_map(contrast) for contrast in contrasts]


def _heat_map(contrast: Contrast) -> HeatMap:
    weights = contrast.weights
    strongest = sorted(range(len(weights)), key=lambda place: -weights[place].max())[:_SHOWN]
    shown = sorted(strongest)
    left = [place for place in range(len(weights)) if place not in set(shown)]
    # An equal share is pale, so that a history of which nothing stands out looks so.
    largest = max(float(abs(weights).max()), _FULL / max(len(weights), 1))
    rows = []
    for place in shown:
        one, other = (float(weight) for weight in weights[place])
        heat = (round(100 * (max(one, 0) / largest) ** 2), round(100 * (max(other, 0) / largest) ** 2))
        tokens = contrast.past[place]
        same = [
            any(tokens[column] and tokens[column] == candidate.cells[asked] for column, asked in contrast.queries)
            for candidate in contrast.candidates
        ]
        rows.append(HeatRow(place + 1, tokens, (one, other), heat, (same[0], same[1])))
    lost = weights[left].sum(axis=0) if left else (0.0, 0.0)
    return HeatMap(contrast.candidates, tuple(rows), len(weights), len(left), (float(lost[0]), float(lost[1])))
