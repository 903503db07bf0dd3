"""The example generator's strict reader, as the tests of the data need it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from components.example_gen.reader import InvalidInputError, read_rows
from data.csv_files import HEADER
from transform.features import DECLARATION


def accepted_rows(path: Path) -> list[dict[str, str]]:
    """The file's rows; an InvalidInputError if the reader refuses one of them."""
    return _read(path.read_bytes().splitlines(keepends=True))


def is_accepted(line: bytes) -> bool:
    """Whether the reader takes a line, under the declared header, for a row."""
    try:
        return len(_read([",".join(HEADER).encode() + b"\n", line])) == 1
    except InvalidInputError:
        return False


def _read(lines: Sequence[bytes]) -> list[dict[str, str]]:
    return [row.cells for row in read_rows(lines, "file", DECLARATION)]
