"""Finds the spans of a data root.

A data root has one of three layouts:

| layout | what it holds | splits |
|---|---|---|
| spans | a folder a span, `span-<number>` or `<YYYY>-<MM>-<DD>`; its re-exports in `version-<number>` folders | by client |
| given splits | a `train` and an `eval` folder | as given |
| flat | data files | by client |

A span's newest version replaces the others; files that lie in the span's own folder are its version 0. A dated span's number
counts the days since 1970-01-01, as TFX does; layouts without spans have the one span 0.

Data files that lie anywhere else in the data root, or deeper in what is read, are an error: their rows would be lost.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping

from tfx.dsl.io import fileio

from components.example_gen.layout import entries
from components.example_gen.rules import InvalidInputError

NEWEST = "newest"
TRAIN = "train"
EVAL = "eval"

_NUMBERED = re.compile(r"span-(\d+)")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}")
_VERSION = re.compile(r"version-(\d+)")


def find_spans(data_root: str) -> dict[int, str]:
    """The folder names of the spans of a data root, by number, in ascending order; empty in layouts without spans.

    Raises:
        InvalidInputError: There is no such folder, or two of its folders are the same span, or some of its spans are dated
            and others are numbered.
    """
    if not fileio.isdir(data_root):
        raise InvalidInputError(f"`DATA_ROOT` must be a folder of CSV files, or of spans. Received: {data_root}.")
    spans: dict[int, str] = {}
    for name in entries(data_root)[1]:
        number = _number(name)
        if number is None:
            continue
        if number in spans:
            raise InvalidInputError(f"{data_root} must hold a span once. Received: {spans[number]} and {name}.")
        spans[number] = name
    if len({bool(_DATED.fullmatch(name)) for name in spans.values()}) > 1:
        names = sorted(spans.values())
        raise InvalidInputError(
            f"The spans of {data_root} must all be dated, or all be numbered. Received: {', '.join(names)}."
        )
    return dict(sorted(spans.items()))


def version_number(name: str) -> int | None:
    """The number of a version that is named by its folder; None if the folder is none's."""
    found = _VERSION.fullmatch(name)
    return int(found[1]) if found else None


def shown(spans: Mapping[int, str]) -> str:
    """The names of spans, or how many there are."""
    names = list(spans.values())
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} spans from {names[0]} to {names[-1]}"


def is_layout_folder(name: str) -> bool:
    """Whether a folder of this name is that of a span, or of a version of one."""
    return _number(name) is not None or version_number(name) is not None


def span_number(span: str) -> int | None:
    """The number of a span that is named by its folder, its date or its number; None if the text is none of these."""
    return int(span) if span.isdecimal() else _number(span)


def _number(name: str) -> int | None:
    if found := _NUMBERED.fullmatch(name):
        return int(found[1])
    if _DATED.fullmatch(name):
        try:
            return (datetime.date.fromisoformat(name) - datetime.date(1970, 1, 1)).days
        except ValueError:
            return None
    return None
