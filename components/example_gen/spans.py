"""Finds the spans of a data root, and the files of one of them.

A data root has one of three layouts:

| layout | what it holds | splits |
|---|---|---|
| spans | a folder a span, `span-<number>` or `<YYYY>-<MM>-<DD>`; its re-exports in `version-<number>` folders | by client |
| given splits | a `train` and an `eval` folder | as given |
| flat | data files | by client |

A span's newest version replaces the others; files that lie in the span's own folder are its version 0. A dated span's number
counts the days since 1970-01-01, as TFX does; layouts without spans have the one span 0.
"""

from __future__ import annotations

import dataclasses
import datetime
import os
import re
from typing import Literal

from tfx.dsl.io import fileio

from components.example_gen.rules import InvalidInputError

NEWEST = "newest"
TRAIN = "train"
EVAL = "eval"
# What a folder's data files are called; the executor looks closer.
DATA_FILES = "*.[CTct][Ss][Vv]*"

_NUMBERED = re.compile(r"span-(\d+)")
_DATED = re.compile(r"\d{4}-\d{2}-\d{2}")
_VERSION = re.compile(r"version-(\d+)")

Layout = Literal["spans", "given splits", "flat"]


@dataclasses.dataclass(frozen=True)
class Source:
    """The files of one version of one span.

    Args:
        layout: The data root's layout.
        span: The span's number; 0 in layouts without spans.
        span_name: The span's folder; empty in layouts without spans.
        version: The version's number; None in layouts without spans.
        patterns: Globs relative to the data root, by split: `train` and `eval`, or `all`, yet to be split.
    """

    layout: Layout
    span: int
    span_name: str
    version: int | None
    patterns: tuple[tuple[str, str], ...]


def find_spans(data_root: str) -> dict[int, str]:
    """The folder names of the spans of a data root, by number, in ascending order; empty in layouts without spans.

    Raises:
        InvalidInputError: There is no such folder, or two of its folders are the same span, or some of its spans are dated
            and others are numbered.
    """
    if not fileio.isdir(data_root):
        raise InvalidInputError(f"`DATA_ROOT` must be a folder of CSV files, or of spans. Received: {data_root}.")
    spans: dict[int, str] = {}
    for name in sorted(_folders(data_root)):
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


def find_source(data_root: str, span: str = NEWEST, version: int | None = None) -> Source:
    """The files of the asked-for span.

    Args:
        data_root: The folder.
        span: `newest`, or a span's folder name, its date or its number. Layouts without spans take `newest` only.
        version: A version's number. Defaults to the span's newest.

    Raises:
        InvalidInputError: There is no such span or version, or it has no data file. The message names what there is.
    """
    spans = find_spans(data_root)
    if not spans:
        return _without_spans(data_root, span)
    number = max(spans) if span == NEWEST else span_number(span)
    if number not in spans:
        raise InvalidInputError(
            f"`SPAN` must be `{NEWEST}` or a span of {data_root}, which has {_shown(spans)}. Received: {span}, which is "
            "missing or late."
        )
    name = spans[number]
    return Source("spans", number, name, *_version(os.path.join(data_root, name), name, version))


def _version(folder: str, name: str, version: int | None) -> tuple[int, tuple[tuple[str, str], ...]]:
    versions = {int(found[1]): sub for sub in _folders(folder) if (found := _VERSION.fullmatch(sub))}
    if fileio.glob(os.path.join(folder, DATA_FILES)):
        versions.setdefault(0, "")
    if not versions:
        raise InvalidInputError(f"A span must hold data files. Received: {folder}, without one named *.csv or *.tsv (.gz).")
    newest = max(versions) if version is None else version
    if newest not in versions:
        raise InvalidInputError(
            f"`SPAN_VERSION` must be a version of {folder}, which has {sorted(versions)}. Received: {newest}."
        )
    return newest, (("all", os.path.join(name, versions[newest], DATA_FILES)),)


def _without_spans(data_root: str, span: str) -> Source:
    folders = [split for split in (TRAIN, EVAL) if fileio.isdir(os.path.join(data_root, split))]
    if span != NEWEST:
        raise InvalidInputError(
            f"`SPAN` needs a `DATA_ROOT` of folders named <YYYY>-<MM>-<DD> or span-<number>. Received: SPAN={span} and "
            f"{data_root}, without one."
        )
    if len(folders) == 1:
        raise InvalidInputError(
            f"`DATA_ROOT` must hold both a `train` and an `eval` folder, or neither. Received: only {folders[0]} in "
            f"{data_root}."
        )
    layout: Layout = "given splits" if folders else "flat"
    patterns = tuple((split, os.path.join(split, DATA_FILES)) for split in folders) or (("all", DATA_FILES),)
    for _, pattern in patterns:
        if not fileio.glob(os.path.join(data_root, pattern)):
            folder = os.path.dirname(os.path.join(data_root, pattern))
            raise InvalidInputError(
                f"`DATA_ROOT` must hold at least one file named *.csv or *.tsv (.gz), or folders of spans named "
                f"<YYYY>-<MM>-<DD> or span-<number>. Received: {folder}, without one."
            )
    return Source(layout, 0, "", None, patterns)


def _folders(root: str) -> list[str]:
    names = [name.rstrip("/") for name in fileio.listdir(root)]
    return [name for name in names if fileio.isdir(os.path.join(root, name))]


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


def _shown(spans: dict[int, str]) -> str:
    names = list(spans.values())
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} spans from {names[0]} to {names[-1]}"
