"""How converters write what they know into cells: tokens, ranked lists and shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, WeightedList
from transform.features import DECLARATION

HISTORY_LENGTH = min(history.max_length for history in DECLARATION.histories)
_SHARES_LENGTH = min(f.max_length for f in DECLARATION.features if isinstance(f, WeightedList))
_SEPARATORS = (LIST_SEPARATOR, WEIGHT_SEPARATOR)


def token(text: str) -> str:
    """`text` as a token: separators and characters that do not print become spaces, runs of spaces one, none at the ends."""
    kept = (" " if character in _SEPARATORS or not character.isprintable() else character for character in text)
    return " ".join("".join(kept).split())


def joined(tokens: Iterable[str]) -> str:
    """The cell of a list."""
    return LIST_SEPARATOR.join(tokens)


def most_frequent(counts: Mapping[str, int], limit: int) -> str:
    """The cell of the `limit` tokens counted most, most frequent first; equal ones by name."""
    return joined(name for name, _ in _ranked(counts)[:limit])


def shares(counts: Mapping[str, int]) -> str:
    """The cell of each token's share of all counts, largest first, with 4 decimals."""
    ranked = _ranked(counts)
    total = sum(count for _, count in ranked)
    return joined(f"{name}{WEIGHT_SEPARATOR}{count / total:.4f}" for name, count in ranked[:_SHARES_LENGTH])


def _ranked(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(((name, count) for name, count in counts.items() if count > 0), key=lambda item: (-item[1], item[0]))
