"""Reads interaction CSVs line by line and checks every row against the declaration. Standard library only.

A record is one physical line, so that an unbalanced quote spoils its own row and not the rest of the file. Nothing is
inferred from the data: the declaration gives the types, and ids stay strings.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence

from transform.features import LIST_SEPARATOR, WEIGHT_PATTERN, WEIGHT_SEPARATOR, Column, Declaration

_SHOWN = 200
_LABELS = ("0", "1")
_PAIR = re.compile(f"[^{WEIGHT_SEPARATOR}]+{WEIGHT_SEPARATOR}{WEIGHT_PATTERN}")


class InvalidInputError(ValueError):
    """An input file breaks a rule. The message names the file, the line, the rule and what was received."""


class RowError(ValueError):
    """A row breaks a rule; carries the `rule` and what was `received`, cut to a readable length."""

    def __init__(self, rule: str, received: object) -> None:
        self.rule = rule
        self.received = _shown(received)
        super().__init__(f"{rule} Received: {self.received}.")


@dataclasses.dataclass(frozen=True)
class Row:
    """An accepted row: the declared columns' cells by name, and its line number in the file, counted from 1."""

    line: int
    cells: dict[str, str]


def read_rows(lines: Iterable[bytes], file: str, declaration: Declaration) -> Iterator[Row]:
    """Yields the rows of one CSV file. Blank lines are skipped.

    Args:
        lines: The file's physical lines, header included, with or without their line ends.
        file: The file's name, for messages.
        declaration: The declared columns. The header may hold them in any order, and other columns too, which are ignored.

    Raises:
        InvalidInputError: At the first line that breaks a rule.
    """
    reader = _RowReader(declaration)
    for number, line in enumerate(lines, start=1):
        try:
            if number == 1:
                reader.read_header(line)
            elif line.strip():
                yield Row(number, reader.read(line))
        except RowError as error:
            raise InvalidInputError(f"{file}, line {number}: {error}") from error
    if not reader.has_header:
        raise InvalidInputError(f"{file}, line 1: A header with the declared columns is required. Received: an empty file.")


class _RowReader:
    def __init__(self, declaration: Declaration) -> None:
        self._columns = declaration.columns
        self._histories = [h.columns for h in declaration.histories]
        self._width = 0
        self._positions: list[tuple[Column, int]] = []

    @property
    def has_header(self) -> bool:
        return self._width > 0

    def read_header(self, line: bytes) -> None:
        names = [name.strip() for name in _cells(line.removeprefix(codecs.BOM_UTF8))]
        declared = [column.name for column in self._columns]
        missing = [name for name in declared if name not in names]
        if missing:
            raise RowError(f"The header must hold every declared column; missing: {', '.join(missing)}.", ",".join(names))
        repeated = sorted({name for name in declared if names.count(name) > 1})
        if repeated:
            raise RowError("The header must name each column once.", ",".join(repeated))
        self._width = len(names)
        self._positions = [(column, names.index(column.name)) for column in self._columns]

    def read(self, line: bytes) -> dict[str, str]:
        cells = _cells(line)
        if len(cells) != self._width:
            raise RowError(f"A row must have {self._width} cells, as the header has.", f"{len(cells)} cells: {cells}")
        row = {column.name: _checked(cells[position].strip(), column) for column, position in self._positions}
        for columns in self._histories:
            _check_aligned({name: row[name] for name in columns})
        return row


def _cells(line: bytes) -> list[str]:
    try:
        text = line.rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise RowError("A row must be valid UTF-8.", line) from error
    if "\0" in text:
        raise RowError("A row must not hold NUL characters.", text)
    try:
        rows = list(csv.reader([text], strict=True))
    except csv.Error as error:
        raise RowError("A row must be one line of valid CSV with balanced quotes.", f"{text!r} ({error})") from error
    return rows[0] if rows else []


def _checked(cell: str, column: Column) -> str:
    if column.kind == "label" and cell not in _LABELS:
        raise RowError(f"`{column.name}` must be 0 or 1.", repr(cell))
    if column.required and not cell:
        raise RowError(f"`{column.name}` must not be empty.", "''")
    if column.kind == "category" and LIST_SEPARATOR in cell:
        raise RowError(f"`{column.name}` must be one id, without {LIST_SEPARATOR!r}.", repr(cell))
    if column.kind == "weighted_list":
        for pair in cell.split(LIST_SEPARATOR):
            if pair.strip() and not _PAIR.fullmatch(pair):
                raise RowError(
                    f"`{column.name}` must hold `id{WEIGHT_SEPARATOR}weight` with finite weights >= 0.", repr(pair)
                )
    return cell


def _check_aligned(cells: dict[str, str]) -> None:
    lengths = {name: len(cell.split(LIST_SEPARATOR)) if cell else 0 for name, cell in cells.items()}
    if len(set(lengths.values())) > 1:
        names: Sequence[str] = list(cells)
        raise RowError(f"The columns of a history must have equal lengths: {', '.join(names)}.", _counts(lengths, cells))


def _counts(lengths: dict[str, int], cells: dict[str, str]) -> str:
    return "; ".join(f"{name} has {lengths[name]}: {cells[name]!r}" for name in lengths)


def _shown(received: object) -> str:
    text = received if isinstance(received, str) else repr(received)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"
