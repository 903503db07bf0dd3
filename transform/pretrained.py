"""Tables of given vectors by token, read from files in `transform/tables`, which go into the image with the code.

A CSV has a header, and in each row a token and the numbers of its vector: `token,0.25,-1.5`. An .npz, as numpy.savez writes
it, has the arrays `tokens`, strings [N], and `vectors`, floats [N, D]. Tokens are compared as text, without blanks around.
"""

from __future__ import annotations

import csv
import dataclasses
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from transform.cells import is_number, strip
from transform.declaration import PADDING_ID, Declaration, Pretrained

TABLES = Path(__file__).parent / "tables"
TOKENS = "tokens"
VECTORS = "vectors"
# The row of the model's table that stands for all tokens that have no vector.
ABSENT_ROW = PADDING_ID


class TableError(ValueError):
    """A table cannot be used. The message names the file, the line or entry, the rule and what was received."""


@dataclasses.dataclass(frozen=True)
class Table:
    """Vectors by token.

    Args:
        tokens: tuple of str. N different tokens.
        vectors: float32 [N, D]. Their vectors, finite.
    """

    tokens: tuple[str, ...]
    vectors: npt.NDArray[np.float32]


def table_path(feature: Pretrained) -> Path:
    """The file of a feature's table. Raises TableError if there is none."""
    path = TABLES / feature.table
    if not path.is_file():
        raise TableError(f"`table` of feature {feature.name!r} must be a file in {TABLES}. Received: {feature.table!r}.")
    return path


def table_paths(declaration: Declaration) -> dict[str, Path]:
    """The files of all tables, by what the declaration calls them."""
    return {feature.table: table_path(feature) for feature in declaration.pretrained}


def read_table(feature: Pretrained) -> Table:
    """Reads a feature's table. Raises TableError."""
    path = table_path(feature)
    readers = {".csv": _read_csv, ".npz": _read_npz}
    if path.suffix not in readers:
        raise TableError(f"{path}: The name of a table must end in one of {list(readers)}. Received: {path.name!r}.")
    return readers[path.suffix](path)


def _read_csv(path: Path) -> Table:
    try:
        lines = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise TableError(f"{path}: A table must be CSV in UTF-8. Received: {error}.") from error
    header, rows = (lines[0] if lines else []), lines[1:]
    vectors = []
    for number, row in enumerate(rows, start=2):
        if len(row) != len(header):
            raise TableError(
                f"{path}, line {number}: A row must have {len(header)} cells, as the header has. Received: {row}."
            )
        wrong = [cell for cell in row[1:] if not is_number(strip(cell))]
        if wrong:
            raise TableError(f"{path}, line {number}: A vector must hold finite numbers. Received: {wrong[0]!r}.")
        vectors.append([float(strip(cell)) for cell in row[1:]])
    numbered = ((f"line {number}", row[0]) for number, row in enumerate(rows, start=2))
    return _table(path, numbered, np.array(vectors, np.float32))


def _read_npz(path: Path) -> Table:
    try:
        with np.load(path, allow_pickle=False) as archive:
            tokens, vectors = archive[TOKENS], archive[VECTORS]
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise TableError(f"{path}: A table must hold the arrays `{TOKENS}` and `{VECTORS}`. Received: {error}.") from error
    if tokens.ndim != 1 or tokens.dtype.kind != "U" or vectors.dtype.kind != "f" or vectors.shape[:1] != tokens.shape:
        raise TableError(
            f"{path}: `{TOKENS}` must be strings [N], and `{VECTORS}` floats [N, D]. Received: "
            f"{tokens.dtype} {tokens.shape}, {vectors.dtype} {vectors.shape}."
        )
    infinite = np.flatnonzero(~np.isfinite(vectors.astype(np.float32)).reshape(len(vectors), -1).all(axis=1))
    if infinite.size:
        raise TableError(
            f"{path}, entry {infinite[0]}: A vector must hold finite numbers. Received: {vectors[infinite[0]]}."
        )
    return _table(path, ((f"entry {i}", token) for i, token in enumerate(tokens.tolist())), vectors.astype(np.float32))


def _table(path: Path, tokens: Iterable[tuple[str, str]], vectors: npt.NDArray[np.float32]) -> Table:
    if vectors.ndim != 2 or not vectors.size:
        raise TableError(f"{path}: A table must have a vector of at least one number. Received: shape {vectors.shape}.")
    return Table(tuple(_unique(path, tokens)), vectors)


def _unique(path: Path, tokens: Iterable[tuple[str, str]]) -> Iterator[str]:
    seen: set[str] = set()
    for where, cell in tokens:
        token = strip(cell)
        if not token or token in seen:
            raise TableError(f"{path}, {where}: A token must not be empty, and must stand there once. Received: {cell!r}.")
        seen.add(token)
        yield token
