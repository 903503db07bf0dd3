"""Writes rows of several days that come in no order, each day's file complete or absent."""

from __future__ import annotations

import contextlib
import csv
import datetime
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from data.csv_files import HEADER

_BUFFERED_ROWS = 20_000


class SpanWriter:
    """A context in which rows are added; `publish` then gives the files their names. Without it nothing is left behind.

    Rows are kept until there are enough of them to be worth a write, so that any number of days needs one open file at a
    time and bounded memory. Until they are published they lie in a hidden folder inside `root`.

    Args:
        root: Path. The data root; made if missing.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._made_root = not root.exists()
        root.mkdir(parents=True, exist_ok=True)
        self._folder = tempfile.TemporaryDirectory(prefix=".partial-", dir=root)
        self._waiting: dict[datetime.date, list[Sequence[str]]] = {}
        self._count = 0
        self._partial: dict[datetime.date, Path] = {}

    def __enter__(self) -> SpanWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._folder.cleanup()
        if error is not None and self._made_root:
            with contextlib.suppress(OSError):
                self._root.rmdir()

    def add(self, day: datetime.date, row: Sequence[str]) -> None:
        """Adds a row, in the declared order of columns; the rows of a day keep their order."""
        self._waiting.setdefault(day, []).append(row)
        self._count += 1
        if self._count >= _BUFFERED_ROWS:
            self._flush()

    def days(self) -> list[datetime.date]:
        """The days that have rows, in order."""
        return sorted({*self._waiting, *self._partial})

    def publish(self, path_of: Callable[[datetime.date], Path]) -> list[Path]:
        """Moves each day's file to `path_of(day)` and returns these paths, in order of days."""
        self._flush()
        paths = []
        for day in self.days():
            path = path_of(day)
            path.parent.mkdir(parents=True, exist_ok=True)
            os.replace(self._partial[day], path)
            paths.append(path)
        self._partial.clear()
        return paths

    def _flush(self) -> None:
        for day, rows in self._waiting.items():
            is_new = day not in self._partial
            partial = self._partial.setdefault(day, Path(self._folder.name) / day.isoformat())
            with partial.open("a", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                if is_new:
                    writer.writerow(HEADER)
                writer.writerows(rows)
        self._waiting.clear()
        self._count = 0
