"""The header of an interaction CSV or TSV, and the splitting of a line into cells. Standard library only.

A cell either holds no quote, or is quoted as a whole, with its inner quotes doubled. The `csv` module is more lenient, and
has a limit on a cell's length that belongs to the whole process.
"""

from __future__ import annotations

import codecs
import dataclasses
import functools
import re

from components.example_gen.columns import ColumnSet
from transform.cells import strip
from transform.declaration import Column

_COMMA = ","
_TAB = "\t"
_TSV = (".tsv", ".tsv.gz")


class HeaderError(ValueError):
    """A header breaks a rule."""


@dataclasses.dataclass(frozen=True)
class Header:
    """What a file's header says.

    Args:
        delimiter: str. What separates the file's cells.
        width: int. Its number of columns.
        positions: tuple of int. Where each declared column stands, in the declared order.
        others: tuple of str. The names of its columns that are not declared.
    """

    delimiter: str
    width: int
    positions: tuple[int, ...]
    others: tuple[str, ...] = ()


def delimiter_of(file: str) -> str:
    """The delimiter of a file by its name: a tab for .tsv and .tsv.gz, else a comma."""
    return _TAB if file.lower().endswith(_TSV) else _COMMA


def read_header(line: bytes, delimiter: str, declaration: ColumnSet) -> Header:
    """Reads a file's first line; it may start with a byte order mark.

    Args:
        line: The line, with or without its line end.
        delimiter: What separates the cells.
        declaration: The declared columns. They may stand in any order, among others, which are ignored.

    Raises:
        HeaderError: It is no line of names, or a declared column is missing, or stands there twice.
    """
    try:
        text = line.removeprefix(codecs.BOM_UTF8).rstrip(b"\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise HeaderError(f"The header must be valid UTF-8. Received: {line[:200]!r}.") from error
    cells = split_cells(text, delimiter)
    if cells is None or "\0" in text or "\r" in text:
        raise HeaderError(f"The header must be one line of column names, as CSV. Received: {text[:200]!r}.")
    names = [strip(cell) for cell in cells]
    declared = [column.name for column in declaration.columns]
    missing = [name for name in declared if name not in names]
    if missing:
        received = delimiter.join(names)[:200]
        raise HeaderError(
            f"The header must hold every declared column; missing: {', '.join(missing)}. Received: {received!r}."
        )
    repeated = [name for name in declared if names.count(name) > 1]
    if repeated:
        raise HeaderError(f"The header must name each declared column once. Received more than once: {', '.join(repeated)}.")
    others = tuple(dict.fromkeys(name for name in names if name not in declared))
    return Header(delimiter, len(names), tuple(names.index(name) for name in declared), others)


def columns_at(header: Header, declaration: ColumnSet) -> list[tuple[Column, int]]:
    """The declared columns, each with its position in the file."""
    return list(zip(declaration.columns, header.positions, strict=True))


def split_cells(text: str, delimiter: str) -> list[str] | None:
    """The cells of one line without its line end; None if its quotes are not valid."""
    if '"' not in text:
        return text.split(delimiter)
    if not _patterns(delimiter).line.fullmatch(text):
        return None
    cells = _patterns(delimiter).cell.findall(delimiter + text)
    return [quoted.replace('""', '"') or plain for quoted, plain in cells]


def leaves_quote_open(text: str, delimiter: str) -> bool:
    """Whether the line ends inside a quoted cell."""
    return _patterns(delimiter).open_line.fullmatch(text) is not None


@dataclasses.dataclass(frozen=True)
class _Patterns:
    line: re.Pattern[str]
    open_line: re.Pattern[str]
    cell: re.Pattern[str]


@functools.cache
def _patterns(delimiter: str) -> _Patterns:
    # Possessive throughout: a cell can be read in one way only, and a long line is read once.
    opened = r'"[^"]*+(?:""[^"]*+)*+'
    plain = rf'[^"{delimiter}]*+'
    cell = rf'(?:{opened}"|{plain})'
    return _Patterns(
        line=re.compile(rf"{cell}(?:{delimiter}{cell})*+"),
        open_line=re.compile(rf"(?:{cell}{delimiter})*+{opened}"),
        cell=re.compile(rf'{delimiter}(?:"([^"]*+(?:""[^"]*+)*+)"|({plain}))'),
    )
