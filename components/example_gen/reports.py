"""What became of the rows of each file: counts and dead letters, as JSON lines beside the examples."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Iterator
from typing import Any

from tfx.dsl.io import fileio

from components.example_gen.rules import RULES, RowError, cut

ROWS_READ = "rows_read"
ROWS_USED = "rows_used"
ROWS_REJECTED = "rows_rejected"
BLANK_LINES = "blank_lines"
REJECTED_PREFIX = "rejected_"
FILE_COUNTS = "files"
DEAD_LETTERS = "dead_letters"
JSON_LINES = ".jsonl"


@dataclasses.dataclass(frozen=True)
class FileCounts:
    """What was read from a file, or from a part of one: `rows_read` = `rows_used` + `rows_rejected`.

    Args:
        file: str. Its path.
        split: str. The input split that it belongs to.
        rows_read: int. Lines that are neither the header nor blank.
        rows_used: int. Rows that became examples.
        rows_rejected: int. Rows that became dead letters.
        blank_lines: int. Lines that hold white space only, if anything.
        rejected: dict. Of the rejected rows, how many each rule rejected, by the rule's id.
        failure: str. Why the file could not be read to its end; empty if it was.
    """

    file: str
    split: str
    rows_read: int = 0
    rows_used: int = 0
    rows_rejected: int = 0
    blank_lines: int = 0
    rejected: dict[str, int] = dataclasses.field(default_factory=dict)
    failure: str = ""

    def __add__(self, other: FileCounts) -> FileCounts:
        rejected = {
            rule.id: count for rule in RULES if (count := self.rejected.get(rule.id, 0) + other.rejected.get(rule.id, 0))
        }
        return dataclasses.replace(
            self,
            rows_read=self.rows_read + other.rows_read,
            rows_used=self.rows_used + other.rows_used,
            rows_rejected=self.rows_rejected + other.rows_rejected,
            blank_lines=self.blank_lines + other.blank_lines,
            rejected=rejected,
            failure=self.failure or other.failure,
        )


def read_file_counts(uri: str) -> list[dict[str, Any]]:
    """The counts of each file, by its name: dicts of the fields of `FileCounts`. `uri` is that of the examples."""
    counts = list(_read_lines(os.path.join(uri, f"{FILE_COUNTS}-*{JSON_LINES}")))
    return sorted(counts, key=lambda count: (count["file"], count["split"]))


def read_dead_letters(uri: str) -> Iterator[dict[str, Any]]:
    """The dead letters: dicts of `file`, `line` (from 1), `rule` (its id), `text` and, unless switched off, `received`.

    They come in the order of the files and lines of each input split. `uri` is that of the examples, or the folder that the
    message of a failed run names.
    """
    yield from _read_lines(os.path.join(uri, f"{DEAD_LETTERS}-*{JSON_LINES}"))


def dead_letter(file: str, line: int, error: RowError, received: int) -> dict[str, Any]:
    """The dead letter of a row; `received` is how many characters of what was received it keeps."""
    letter = {"file": file, "line": line, "rule": error.rule.id, "text": error.text}
    return letter | ({"received": cut(error.received, received)} if received else {})


def to_json_line(values: dict[str, Any]) -> str:
    return json.dumps(values) + "\n"


def totals(counts: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The sums over all files: the rows' counts, the blank lines, and `rejected_<rule id>` for every rule."""
    sums = dict.fromkeys((ROWS_READ, ROWS_USED, ROWS_REJECTED, BLANK_LINES, *(REJECTED_PREFIX + r.id for r in RULES)), 0)
    for count in counts:
        for name in (ROWS_READ, ROWS_USED, ROWS_REJECTED, BLANK_LINES):
            sums[name] += count[name]
        for rule, number in count["rejected"].items():
            sums[REJECTED_PREFIX + rule] += number
    return sums


def _read_lines(pattern: str) -> Iterator[dict[str, Any]]:
    for file in sorted(fileio.glob(pattern)):
        with fileio.open(file) as lines:
            for line in lines:
                yield json.loads(line)
