"""Interaction CSVs on disk: where each span's file lies, how it is written, how it is read back."""

from __future__ import annotations

import csv
import datetime
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal, get_args

from transform.features import DECLARATION

Layout = Literal["files", "folders", "train-eval"]
LAYOUTS: tuple[str, ...] = get_args(Layout)
HEADER = tuple(column.name for column in DECLARATION.columns)


def span_path(root: Path, layout: Layout, day: datetime.date, *, in_eval: bool = False) -> Path:
    """The file of the span that starts on `day`.

    Args:
        root: The data root.
        layout: `files` for `root/<day>.csv`, `folders` for `root/<day>/interactions.csv`, `train-eval` for
            `root/train/<day>.csv` and `root/eval/<day>.csv`.
        day: The span's first day.
        in_eval: Whether the file holds evaluation rows; only `train-eval` tells them apart.
    """
    if layout == "files":
        return root / f"{day.isoformat()}.csv"
    if layout == "folders":
        return root / day.isoformat() / "interactions.csv"
    if layout == "train-eval":
        return root / ("eval" if in_eval else "train") / f"{day.isoformat()}.csv"
    raise ValueError(f"`layout` must be one of {LAYOUTS}. Received: {layout!r}.")


def write_rows(path: Path, rows: Iterable[Sequence[str] | bytes]) -> int:
    """Writes the header and the rows, in the declared order of columns, and returns the number of rows.

    A row given as bytes is written as it is, whatever it holds, and a line end after it.
    The file appears under its name only when it is complete; a failure leaves nothing behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    count = 0
    try:
        with partial.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(HEADER)
            for row in rows:
                count += 1
                if isinstance(row, bytes):
                    file.flush()
                    file.buffer.write(row + b"\n")
                    continue
                if len(row) != len(HEADER):
                    raise ValueError(f"A row of {path} must have {len(HEADER)} cells. Received: {len(row)}.")
                writer.writerow(row)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return count


def read_rows(paths: Iterable[Path]) -> Iterator[dict[str, str]]:
    """The rows of several CSVs, one after the other, as column name -> cell."""
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            yield from csv.DictReader(file)


def read_table(path: Path, columns: Sequence[str]) -> Iterator[dict[str, str]]:
    """The lines of any CSV with a header as column name -> cell. Where a line lacks cells they are empty.

    Raises:
        ValueError: The file is without these columns, or not readable as CSV in UTF-8.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, restval="")
        try:
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise ValueError(f"{path} must have the columns {tuple(columns)}. Received no {missing}.")
            yield from reader
        except (csv.Error, UnicodeDecodeError) as error:
            raise ValueError(f"{path} must be readable as CSV. Received at line {reader.line_num}: {error}.") from error


def check_no_other_csvs(root: Path, planned: Iterable[Path]) -> None:
    """Refuses a data root that holds CSVs other than the ones about to be written: a pipeline would read them too.

    Raises:
        FileExistsError: There are such files; the message names one.
    """
    expected = set(planned)
    others = sorted(path for path in root.rglob("*.csv") if path not in expected)
    if others:
        raise FileExistsError(f"{root} must hold no CSVs of other runs. Received: {others[0]} ({len(others)} in all).")
