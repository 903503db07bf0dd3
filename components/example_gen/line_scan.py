"""Finds, in a block of bytes, the lines that a columnar CSV parser reads exactly as the strict path does."""

from __future__ import annotations

import codecs
import dataclasses

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Offsets = npt.NDArray[np.int64]

_NEWLINE = ord("\n")
_RETURN = ord("\r")
_QUOTE = ord('"')


@dataclasses.dataclass(frozen=True)
class Lines:
    """The lines of a block.

    Args:
        data: bytes. The block.
        starts: int64 [N]. Where each line begins.
        ends: int64 [N]. Where each line ends, before its newline.
    """

    data: bytes
    starts: Offsets
    ends: Offsets

    def __len__(self) -> int:
        return len(self.starts)

    def line(self, index: int) -> bytes:
        """A line, without its newline."""
        return self.data[self.starts[index] : self.ends[index]]

    def joined(self, chosen: Mask) -> bytes:
        """The chosen lines, as a block. `chosen` is [N]."""
        if chosen.all():
            return self.data
        bytes_of_line = np.minimum(self.ends + 1, len(self.data)) - self.starts
        return np.frombuffer(self.data, np.uint8)[np.repeat(chosen, bytes_of_line)].tobytes()


def find_lines(data: bytes) -> Lines:
    """The lines of a block, which is not empty."""
    ends = _positions(data, _NEWLINE)
    if not data.endswith(b"\n"):
        ends = np.append(ends, len(data))
    starts = np.concatenate((np.zeros(1, np.int64), ends[:-1] + 1))
    return Lines(data, starts, ends)


def regular_lines(lines: Lines, width: int, delimiter: str, max_row_bytes: int) -> Mask:
    """Which lines are one CSV record each, whoever reads them: bool [N].

    Those are neither too short for `width` cells nor longer than `max_row_bytes`, are valid UTF-8 without NUL, byte order
    marks and lone carriage returns, and quote whole cells only. Their number of cells is not checked.
    """
    lengths = lines.ends - lines.starts
    regular = (lengths >= max(width - 1, 1)) & (lengths <= max_row_bytes)
    for positions in (
        _positions(lines.data, 0),
        _lone_returns(lines.data),
        _invalid_utf8(lines),
        _byte_order_marks(lines.data),
        _misplaced_quotes(lines, ord(delimiter)),
    ):
        regular[np.searchsorted(lines.ends, positions)] = False
    return regular


def _positions(data: bytes, byte: int) -> Offsets:
    if byte not in data:
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.frombuffer(data, np.uint8) == byte)


def _lone_returns(data: bytes) -> Offsets:
    if data.count(b"\r") == data.count(b"\r\n"):
        return np.zeros(0, np.int64)
    returns = _positions(data, _RETURN)
    return returns[_at(data, returns + 1, 0) != _NEWLINE]


def _invalid_utf8(lines: Lines) -> Offsets:
    """The beginnings of the lines that are not valid UTF-8."""
    if _is_utf8(lines.data):
        return np.zeros(0, np.int64)
    return np.array([lines.starts[i] for i in range(len(lines)) if not _is_utf8(lines.line(i))], np.int64)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _byte_order_marks(data: bytes) -> Offsets:
    """A parser drops a mark at the beginning of what it is given."""
    found = []
    position = data.find(codecs.BOM_UTF8)
    while position >= 0:
        found.append(position)
        position = data.find(codecs.BOM_UTF8, position + 1)
    return np.array(found, np.int64)


def _misplaced_quotes(lines: Lines, delimiter: int) -> Offsets:
    """Quotes that neither open nor close a whole cell, nor stand doubled inside one; the last quote of an odd number.

    Counted from the beginning of the line, the quotes open and close in turn; a doubled quote closes and opens again. So
    one that opens stands behind a delimiter, a line's beginning or the quote before, and one that closes stands in front of
    a delimiter, a line's end or the quote behind.
    """
    quotes = _positions(lines.data, _QUOTE)
    if not len(quotes):
        return quotes
    line = np.searchsorted(lines.ends, quotes)
    first = np.searchsorted(quotes, lines.starts)
    last = np.append(first[1:], len(quotes)) - 1
    index = np.arange(len(quotes))
    opens = (index - first[line]) % 2 == 0
    before = _at(lines.data, quotes - 1, _NEWLINE)
    after = _at(lines.data, quotes + 1, _NEWLINE)
    opens_well = (before == delimiter) | (before == _NEWLINE) | (before == _QUOTE)
    closes_well = (after == delimiter) | (after == _NEWLINE) | (after == _RETURN) | (after == _QUOTE)
    unclosed = opens & (index == last[line])
    return quotes[np.where(opens, ~opens_well | unclosed, ~closes_well)]


def _at(data: bytes, positions: Offsets, outside: int) -> npt.NDArray[np.uint8]:
    """The bytes at `positions`; `outside` where there are none."""
    values = np.frombuffer(data, np.uint8)
    inside = (positions >= 0) & (positions < len(data))
    return np.where(inside, values[np.where(inside, positions, 0)], outside).astype(np.uint8)
