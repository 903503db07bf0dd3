"""Finds the files of one span of a data root; `components.example_gen.spans` tells the layouts."""

from __future__ import annotations

import dataclasses
import os
from typing import Literal

from tfx.dsl.io import fileio

from components.example_gen.layout import check_left_out, data_files_below, entries, is_hidden, named_as_data
from components.example_gen.rules import InvalidInputError
from components.example_gen.spans import EVAL, NEWEST, TRAIN, find_spans, shown, span_number, version_number

Layout = Literal["spans", "given splits", "flat"]


@dataclasses.dataclass(frozen=True)
class Source:
    """The files of one version of one span.

    Args:
        layout: The data root's layout.
        span: The span's number; 0 in layouts without spans.
        span_name: The span's folder; empty in layouts without spans.
        version: The version's number; None in layouts without spans.
        folders: The folders of the files, relative to the data root, by split: `train` and `eval`, or `all`, to be split.
        incomplete: Newer spans, or versions of the span, that have no completeness marker yet; relative to the data root.
    """

    layout: Layout
    span: int
    span_name: str
    version: int | None
    folders: tuple[tuple[str, str], ...]
    incomplete: tuple[str, ...] = ()


def find_source(data_root: str, span: str = NEWEST, version: int | None = None, marker: str = "") -> Source:
    """The files of the asked-for span.

    Args:
        data_root: The folder.
        span: `newest`, or a span's folder name, its date or its number. Layouts without spans take `newest` only.
        version: A version's number. Defaults to the span's newest.
        marker: The name of a file, such as _SUCCESS, that a folder of data files holds once it is complete. Folders without
            it are no answer to `newest`. Defaults to none: every folder is complete.

    Raises:
        InvalidInputError: There is no such span or version, or it has no data file, or is not complete, or data files
            would be left out. The message names what there is.
    """
    spans = find_spans(data_root)
    if not spans:
        return _without_spans(data_root, span, marker)
    files, folders = entries(data_root)
    names = set(spans.values())
    check_left_out(data_root, [*files, *(name for name in folders if name not in names)], "its folders of spans")
    if span != NEWEST:
        number = span_number(span)
        if number not in spans:
            raise InvalidInputError(
                f"`SPAN` must be `{NEWEST}` or a span of {data_root}, which has {shown(spans)}. Received: {span}, which is "
                "missing or late."
            )
        return _source(data_root, number, spans[number], version, marker)
    incomplete: list[str] = []
    for number, name in reversed(spans.items()):
        folder = os.path.join(data_root, name)
        subs = _versions(folder).values() or [""]
        if not marker or any(_has(os.path.join(folder, sub), marker) for sub in subs):
            source = _source(data_root, number, name, version, marker)
            return dataclasses.replace(source, incomplete=(*incomplete, *source.incomplete))
        incomplete.append(name)
    raise InvalidInputError(
        f"At least one span must be complete, with a file {marker}. Received: {data_root}, which has {shown(spans)}."
    )


def _source(data_root: str, number: int, name: str, version: int | None, marker: str) -> Source:
    folder = os.path.join(data_root, name)
    versions = _versions(folder)
    if not versions:
        raise InvalidInputError(f"A span must hold data files. Received: {folder}, without one named *.csv or *.tsv (.gz).")
    complete = [found for found, sub in versions.items() if not marker or _has(os.path.join(folder, sub), marker)]
    chosen = max(complete or versions) if version is None else version
    if chosen not in versions:
        raise InvalidInputError(
            f"`SPAN_VERSION` must be a version of {folder}, which has {sorted(versions)}. Received: {chosen}."
        )
    relative = os.path.join(name, versions[chosen]) if versions[chosen] else name
    if chosen not in complete:
        raise InvalidInputError(
            f"A span must be complete, with a file {marker}. Received: {os.path.join(data_root, relative)}, without one."
        )
    others = [other for other in entries(folder)[1] if other not in versions.values()]
    check_left_out(folder, others, "the folder itself or in folders named version-<number>")
    if versions[chosen]:
        _check_plain(os.path.join(folder, versions[chosen]))
    newer = sorted(found for found in versions if found > chosen and found not in complete) if version is None else []
    incomplete = tuple(os.path.join(name, versions[found]) for found in newer)
    return Source("spans", number, name, chosen, (("all", relative),), incomplete)


def _versions(folder: str) -> dict[int, str]:
    """The sub-folders of a span's versions, by number; version 0 may be the folder itself: ''."""
    files, folders = entries(folder)
    versions: dict[int, str] = {}
    for name in folders:
        number = version_number(name)
        if number is None:
            continue
        if number in versions:
            raise InvalidInputError(f"{folder} must hold a version once. Received: {versions[number]} and {name}.")
        versions[number] = name
    if any(named_as_data(name) and not is_hidden(name) for name in files):
        if 0 in versions:
            raise InvalidInputError(
                f"{folder} must hold a version once. Received: its own files, which are 0, and {versions[0]}."
            )
        versions[0] = ""
    return versions


def _check_plain(folder: str) -> None:
    check_left_out(folder, entries(folder)[1], "the folder itself")


def _has(folder: str, marker: str) -> bool:
    return bool(fileio.exists(os.path.join(folder, marker)))


def _without_spans(data_root: str, span: str, marker: str) -> Source:
    files, folders = entries(data_root)
    splits = [split for split in (TRAIN, EVAL) if split in folders]
    if span != NEWEST:
        raise InvalidInputError(
            f"`SPAN` needs a `DATA_ROOT` of folders named <YYYY>-<MM>-<DD> or span-<number>. Received: SPAN={span} and "
            f"{data_root}, without one."
        )
    if len(splits) == 1:
        raise InvalidInputError(
            f"`DATA_ROOT` must hold both a `train` and an `eval` folder, or neither. Received: only {splits[0]} in "
            f"{data_root}."
        )
    for folder in splits or [""]:
        path = os.path.join(data_root, folder) if folder else data_root
        if not any(named_as_data(name) and not is_hidden(name) for name in entries(path)[0]):
            below = data_files_below(path)
            raise InvalidInputError(
                f"`DATA_ROOT` must hold at least one file named *.csv or *.tsv (.gz), or folders of spans named "
                f"<YYYY>-<MM>-<DD> or span-<number>. Received: {path}, without one"
                + (f"; below it lies {below[0]}." if below else ".")
            )
        if marker and not _has(path, marker):
            raise InvalidInputError(
                f"A folder of data must be complete, with a file {marker}. Received: {path}, without one."
            )
    if splits:
        for split in splits:
            _check_plain(os.path.join(data_root, split))
        others = [name for name in folders if name not in splits]
        check_left_out(data_root, [*files, *others], "its folders `train` and `eval`")
        return Source("given splits", 0, "", None, tuple((split, split) for split in splits))
    _check_plain(data_root)
    return Source("flat", 0, "", None, (("all", ""),))
