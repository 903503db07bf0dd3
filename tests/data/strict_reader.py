"""The example generator's strict reader, as the tests of the data need it."""

from __future__ import annotations

from pathlib import Path

from components.example_gen.header import read_header
from components.example_gen.reader import RowReader
from components.example_gen.rules import RowError
from components.example_gen.settings import IngestionSettings
from data.csv_files import HEADER
from transform.features import DECLARATION


def accepted_rows(path: Path) -> list[dict[str, str]]:
    """The file's rows; a RowError if the reader refuses one of them."""
    header, *lines = path.read_bytes().splitlines(keepends=True)
    rows = map(_reader(header).read, lines)
    return [row for row in rows if row is not None]


def is_accepted(line: bytes) -> bool:
    """Whether the reader takes a line, under the declared header, for a row."""
    try:
        return _reader(",".join(HEADER).encode()).read(line) is not None
    except RowError:
        return False


def _reader(header: bytes) -> RowReader:
    return RowReader(read_header(header, ",", DECLARATION), DECLARATION, IngestionSettings())
