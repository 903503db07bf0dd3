"""Reads the `rank` command's user and candidates, from JSON or CSV."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

Row = dict[str, Any]


class InvalidFileError(ValueError):
    """A file cannot be read as what it should hold. The message names the file, the rule and what was received."""


def read_user(path: Path) -> Row:
    """The user: a JSON object, or a CSV with one row. Raises InvalidFileError."""
    rows = _read(path)
    if len(rows) != 1:
        raise InvalidFileError(f"{path}: A user must be one JSON object, or one CSV row. Received: {len(rows)}.")
    return rows[0]


def read_candidates(path: Path) -> list[Row]:
    """The candidates: a JSON list of objects, or the rows of a CSV. Raises InvalidFileError."""
    return _read(path)


def _read(path: Path) -> list[Row]:
    readers = {".json": _read_json, ".csv": _read_csv}
    if path.suffix not in readers:
        raise InvalidFileError(f"{path}: The name must end in one of {list(readers)}. Received: {path.name!r}.")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidFileError(f"{path}: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise InvalidFileError(f"{path}: The file must be UTF-8. {error}.") from error
    return readers[path.suffix](text, path)


def _read_json(text: str, path: Path) -> list[Row]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidFileError(f"{path}: The file must be JSON. {error}.") from error
    rows = value if isinstance(value, list) else [value]
    for row in rows:
        if not isinstance(row, dict):
            raise InvalidFileError(f"{path}: Objects of column and value are expected. Received: {row!r}.")
    return rows


def _read_csv(text: str, path: Path) -> list[Row]:
    try:
        header, *lines = [cells for cells in csv.reader(text.splitlines(), strict=True) if cells] or [[]]
    except csv.Error as error:
        raise InvalidFileError(f"{path}: The file must be valid CSV. {error}.") from error
    if not header or len(set(header)) < len(header):
        raise InvalidFileError(f"{path}: The first line must name each column once. Received: {header}.")
    for number, cells in enumerate(lines, start=1):
        if len(cells) != len(header):
            raise InvalidFileError(f"{path}, row {number}: A row must have {len(header)} cells. Received: {cells}.")
    return [dict(zip(header, cells, strict=True)) for cells in lines]
