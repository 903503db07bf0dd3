"""The rules that rows must keep: their ids, which are stable, and their texts. Standard library only."""

from __future__ import annotations

import dataclasses

from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR


class InvalidInputError(ValueError):
    """The input cannot be used. The message names the files, the lines, the rules and what was received."""


@dataclasses.dataclass(frozen=True)
class Rule:
    """A rule that each row must keep.

    Args:
        id: str. Its stable name, in dead letters, counts and properties.
        text: str. What it says; names in braces are filled in for the row at hand, and hold no user data.
    """

    id: str
    text: str


ROW_SIZE = Rule("row-size", "A row must not be longer than {limit} bytes.")
UTF_8 = Rule("utf-8", "A row must be valid UTF-8.")
NUL = Rule("nul", "A row must not hold NUL characters.")
NEWLINE_IN_QUOTES = Rule(
    "newline-in-quotes", "A row must be one line: a cell must not hold a line end, not even inside quotes."
)
QUOTES = Rule("quotes", "A row must be valid CSV: quotes stand around a whole cell, are closed, and are doubled within it.")
ROW_WIDTH = Rule("row-width", "A row must have {width} cells, as the header has.")
LABEL = Rule("label", "`{column}` must be 0 or 1.")
REQUIRED = Rule("required", "`{column}` must not be empty.")
ONE_ID = Rule("one-id", f"`{{column}}` must be one id, without {LIST_SEPARATOR!r}.")
LIST_LENGTH = Rule("list-length", "`{column}` must hold at most {limit} entries.")
WEIGHTS = Rule("weights", f"`{{column}}` must hold `id{WEIGHT_SEPARATOR}weight` with finite weights >= 0.")
NUMBER = Rule("number", "`{column}` must be a finite number.")
WEIGHT = Rule("weight", "`{column}` must be a finite number >= 0.")
ALIGNED_HISTORY = Rule("aligned-history", "The columns of a history must have equal lengths: {columns}.")

# In the order in which a row is held against them: the first that it breaks is the one it is rejected by.
RULES = (
    ROW_SIZE,
    UTF_8,
    NUL,
    NEWLINE_IN_QUOTES,
    QUOTES,
    ROW_WIDTH,
    LABEL,
    REQUIRED,
    ONE_ID,
    LIST_LENGTH,
    WEIGHTS,
    NUMBER,
    WEIGHT,
    ALIGNED_HISTORY,
)


class RowError(ValueError):
    """A row breaks a rule: `rule`, its `text` filled in, and what was `received`, uncut."""

    def __init__(self, rule: Rule, received: str, **facts: object) -> None:
        self.rule = rule
        self.text = rule.text.format(**facts)
        self.received = received
        super().__init__(f"{self.text} Received: {cut(received, 200)}.")


def cut(received: str, length: int) -> str:
    """The first `length` characters, and how many there were."""
    return received if len(received) <= length else f"{received[:length]}... ({len(received)} characters)"
