"""Whether what was read is good enough to go on, and what a person is told if it is not."""

from __future__ import annotations

import collections
from collections.abc import Iterable, Sequence
from typing import Any

from components.example_gen.reports import ROWS_READ, ROWS_REJECTED, ROWS_USED, totals
from components.example_gen.rules import InvalidInputError
from components.example_gen.settings import IngestionSettings

_RULES = 5
_EXAMPLES = 3


def check_files(counts: Sequence[dict[str, Any]]) -> None:
    """Checks that every file was read to its end, and that its rows are accounted for.

    Raises:
        InvalidInputError: Files could not be read to their end. All of them are named.
        ArithmeticError: A row of a file was neither used nor rejected, or both: a defect of this package.
    """
    failures = [f"{count['file']}: {count['failure']}" for count in counts if count["failure"]]
    if failures:
        raise InvalidInputError("\n".join(dict.fromkeys(failures)))
    for count in counts:
        read, used, rejected = count[ROWS_READ], count[ROWS_USED], count[ROWS_REJECTED]
        if read != used + rejected or rejected != sum(count["rejected"].values()):
            raise ArithmeticError(f"Rows must be used or rejected. Received for {count['file']}: {count}.")


def complaint(counts: Sequence[dict[str, Any]], settings: IngestionSettings) -> str:
    """Why a run cannot go on with these counts; empty if it can."""
    sums = totals(counts)
    read, rejected = sums[ROWS_READ], sums[ROWS_REJECTED]
    if rejected and rejected / read > settings.max_rejected_share:
        bound = f"At most {_percent(settings.max_rejected_share)} of the rows may be rejected"
        return f"{bound}. Received: {rejected} of {read} rows, {_percent(rejected / read)}."
    for split in sorted({count["split"] for count in counts}):
        files = [count for count in counts if count["split"] == split]
        if not any(count[ROWS_USED] for count in files):
            names = ", ".join(count["file"] for count in files[:_RULES])
            more = f" and {len(files) - _RULES} more files" if len(files) > _RULES else ""
            return f"At least one row must be accepted. Received: no good row in {names}{more}."
    return ""


def top_rules(counts: Sequence[dict[str, Any]], dead_letters: Iterable[dict[str, Any]]) -> str:
    """The rules that rejected most, each with examples; empty if nothing was rejected."""
    numbers: collections.Counter[str] = collections.Counter()
    for count in counts:
        numbers.update(count["rejected"])
    top = [rule for rule, _ in numbers.most_common(_RULES)]
    examples: dict[str, list[dict[str, Any]]] = {rule: [] for rule in top}
    wanted = {rule: min(_EXAMPLES, numbers[rule]) for rule in top}
    for letter in dead_letters:
        found = examples.get(letter["rule"], [])
        if len(found) < wanted.get(letter["rule"], 0):
            found.append(letter)
            if all(len(examples[rule]) == wanted[rule] for rule in top):
                break
    lines = []
    for rule in top:
        lines.append(f"  {rule}: {numbers[rule]} rows, such as")
        lines += [f"    {_told(letter)}" for letter in examples[rule]]
    if len(numbers) > len(top):
        lines.append(f"  and {len(numbers) - len(top)} more rules")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.6g} %"


def _told(letter: dict[str, Any]) -> str:
    received = f" Received: {letter['received']}." if "received" in letter else ""
    return f"{letter['file']}, line {letter['line']}: {letter['text']}{received}"
