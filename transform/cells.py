"""The grammar of the cells: what a CSV's row and a request's may hold. Standard library only.

Ingestion and the client check by these functions, so that both accept the same. Transform's graph splits by the same
separators, blanks and patterns (`transform/parsing.py`): what is accepted here, it parses to the same tokens and weights. It
also gets cells that nobody has checked; a malformed weight or number is not a number there.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Mapping
from typing import Literal

from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, Column, History

# What is cut off around cells, entries and weights, as TensorFlow's `strings.strip` does, and nothing else: an ideographic
# space is a token like any other.
BLANKS = " \t\n\r\v\f"
# RE2's `\s`, which is what may stand around a weight; that of Python's re knows more blanks.
BLANK = r"[\t\n\f\r ]"
# A finite number >= 0; the digits are bounded so that float32 holds it.
WEIGHT_PATTERN = rf"{BLANK}*[0-9]{{1,20}}(?:\.[0-9]*)?(?:[eE](?:-[0-9]{{1,3}}|\+?[0-9]))?{BLANK}*"
# An entry of a weighted list, without blanks around it.
PAIR_PATTERN = f"[^{WEIGHT_SEPARATOR}]+{WEIGHT_SEPARATOR}{WEIGHT_PATTERN}"
# A finite number; the digits and the exponent are bounded so that float32 holds it.
NUMBER_PATTERN = (
    r"-?(?:(?:[0-9]{1,20}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE](?:-[0-9]{1,3}|\+?0?[0-9]))?"
    r"|[0-9](?:\.[0-9]*)?[eE]\+?(?:[12][0-9]|3[0-7]))"
)

_PAIR = re.compile(PAIR_PATTERN)
_WEIGHT = re.compile(WEIGHT_PATTERN)
_NUMBER = re.compile(NUMBER_PATTERN)

Rule = Literal["required", "one-id", "weights", "number", "weight"]


@dataclasses.dataclass(frozen=True)
class Fault:
    """A rule that a cell breaks: the cell must not be empty, must be one id, must hold `id:weight` pairs, must be a
    number, or a weight.

    Args:
        rule: str. The rule's name.
        received: str. The cell, or the entry of it that breaks the rule.
    """

    rule: Rule
    received: str


def strip(text: str) -> str:
    """The text without the blanks around it."""
    return text.strip(BLANKS)


def entries(cell: str) -> int:
    """The number of a cell's entries; an empty cell has none."""
    return cell.count(LIST_SEPARATOR) + 1 if cell else 0


def fault(cell: str, column: Column) -> Fault | None:
    """The first rule that a cell, without the blanks around it, breaks; None if it breaks none."""
    if column.required and not cell:
        return Fault("required", cell)
    if column.kind in ("group", "category") and LIST_SEPARATOR in cell:
        return Fault("one-id", cell)
    if column.kind == "weighted_list":
        malformed = next((pair for pair in map(strip, cell.split(LIST_SEPARATOR)) if pair and not is_pair(pair)), None)
        return None if malformed is None else Fault("weights", malformed)
    if column.kind == "numeric" and cell and not is_number(cell):
        return Fault("number", cell)
    if column.kind == "sample_weight" and cell and not is_weight(cell):
        return Fault("weight", cell)
    return None


def is_pair(entry: str) -> bool:
    """Whether an entry, without the blanks around it, is `id:weight`."""
    return _PAIR.fullmatch(entry) is not None


def is_weight(cell: str) -> bool:
    """Whether a cell, without the blanks around it, is a finite number >= 0 that float32 holds."""
    return _WEIGHT.fullmatch(cell) is not None


def is_number(cell: str) -> bool:
    """Whether a cell, without the blanks around it, is a finite number that float32 holds."""
    return _NUMBER.fullmatch(cell) is not None


def unaligned(cells: Mapping[str, str], histories: Iterable[History]) -> dict[str, int] | None:
    """The number of entries by column of the first history whose columns differ in it; None if there is none.

    Args:
        cells: By column, without the blanks around them; it may hold other columns too.
        histories: The declared histories.
    """
    for history in histories:
        lengths = {name: entries(cells[name]) for name in history.columns}
        if len(set(lengths.values())) > 1:
            return lengths
    return None
