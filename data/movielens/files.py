"""The files of a MovieLens release, in either format: .csv (ml-latest, ml-20m and later) or .dat (ml-1m, ml-10M100K)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from data.csv_files import read_table

MOVIE_COLUMNS = ("movieId", "title", "genres")
RATING_COLUMNS = ("userId", "movieId", "rating", "timestamp")
_SUFFIXES = (".csv", ".dat")
_SEPARATOR = "::"


def release_files(source: Path) -> tuple[Path, Path]:
    """The files of the movies and of the ratings.

    Raises:
        FileNotFoundError: One of them is missing; the message names it.
        ValueError: `source` holds the files of both formats.
    """
    names = [path.name for path in source.iterdir()] if source.is_dir() else []
    present = [suffix for suffix in _SUFFIXES if {f"movies{suffix}", f"ratings{suffix}"}.intersection(names)]
    if len(present) > 1:
        raise ValueError(f"{source} must hold one release. Received: files of two formats, {' and '.join(present)}.")
    suffix = present[0] if present else _SUFFIXES[0]
    movies, ratings = source / f"movies{suffix}", source / f"ratings{suffix}"
    for path in (movies, ratings):
        if not path.exists():
            also = "" if present else f", nor is there a release of {_SUFFIXES[1]} files"
            raise FileNotFoundError(f"{path} must exist. Received: no such file{also}.")
    return movies, ratings


def read_lines(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The lines of either format as column name -> cell. Where a line lacks cells they are empty.

    Raises:
        ValueError: The file is a .csv without these columns, or not readable as CSV.
    """
    return _dat_lines(path, columns) if path.suffix == ".dat" else read_table(path, columns)


def _dat_lines(path: Path, columns: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """A .dat file has no header and no quoting. Cells in excess belong to the second one: a title may hold the separator."""
    empty = dict.fromkeys(columns, "")
    with path.open("rb") as file:
        for number, line in enumerate(file):
            text = _decoded(line.rstrip(b"\r\n"), is_first=number == 0)
            if not text:
                continue
            cells = text.split(_SEPARATOR)
            excess = len(cells) - len(columns)
            if excess < 0:
                yield empty
            else:
                second = _SEPARATOR.join(cells[1 : excess + 2])
                yield dict(zip(columns, (cells[0], second, *cells[excess + 2 :]), strict=True))


def _decoded(line: bytes, *, is_first: bool) -> str:
    """ml-1m is written in Latin-1, ml-10M100K in UTF-8; a Latin-1 title is hardly ever valid UTF-8."""
    try:
        return line.decode("utf-8-sig" if is_first else "utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")
