"""What lies in a data root beside the files that a run reads: rows that would be lost, and what is passed over.

Names that begin with `_` or `.` are hidden, as they are to Hadoop and Spark: nothing hidden is ever read.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator

import tensorflow as tf
from tfx.dsl.io import fileio

from components.example_gen.rules import InvalidInputError

SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")

_HIDDEN = ("_", ".")
_NAMED = 5


def is_hidden(path: str) -> bool:
    return os.path.basename(path).startswith(_HIDDEN)


def named_as_data(path: str) -> bool:
    return path.lower().endswith(SUFFIXES)


def entries(folder: str) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders in a folder, sorted.

    Raises:
        InvalidInputError: The folder cannot be read.
    """
    try:
        names = sorted(name.rstrip("/") for name in fileio.listdir(folder))
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "message", None) or type(error).__name__
        raise InvalidInputError(f"A folder of `DATA_ROOT` must be readable. Received: {folder}: {reason}.") from error
    folders = {name for name in names if fileio.isdir(os.path.join(folder, name))}
    return [name for name in names if name not in folders], sorted(folders)


def data_files_below(folder: str) -> list[str]:
    """The paths of the data files in a folder and in the folders below it, but for hidden ones."""
    return sorted(_walk(folder, set()))


def check_left_out(folder: str, children: Iterable[str], layout: str) -> None:
    """Checks that no data file lies where the layout has none.

    Args:
        folder: The folder that holds the children.
        children: Names of files and folders in it that are no part of the layout. Hidden ones are not looked at.
        layout: What belongs into the folder, for people.

    Raises:
        InvalidInputError: Some of them are, or hold, data files.
    """
    found: list[str] = []
    for child in children:
        path = os.path.join(folder, child)
        if is_hidden(child):
            continue
        if fileio.isdir(path):
            found += data_files_below(path)
        elif named_as_data(child):
            found.append(path)
    if found:
        named = ", ".join(found[:_NAMED]) + (f" and {len(found) - _NAMED} more" if len(found) > _NAMED else "")
        raise InvalidInputError(
            f"All data files must be used, and those of {folder} lie in {layout}. Received: {named}, which would be left "
            "out. Move them to where they belong or elsewhere, or let their names, or their folder's, begin with `_`."
        )


def passed_over(data_root: str, folders: Iterable[str], is_layout: Callable[[str], bool]) -> list[str]:
    """What a run does not read of a data root, though it lies there.

    Args:
        data_root: The folder.
        folders: The folders that the run reads, relative to it.
        is_layout: Tells by its name a folder that other runs read, such as another span's.

    Returns:
        The paths of files that are no data files, and of folders that hold none; hidden ones only if they are, or hold, data
        files.
    """
    looked_at = {"", *_with_parents(folders)}
    found = []
    for relative in sorted(looked_at):
        folder = os.path.join(data_root, relative)
        files, children = entries(folder)
        found += [os.path.join(folder, name) for name in files if is_hidden(name) == named_as_data(name)]
        for name in children:
            path = os.path.join(folder, name)
            if os.path.join(relative, name) in looked_at or is_layout(name):
                continue
            hidden_data = len(data_files_below(path)) if is_hidden(name) else 0
            if hidden_data:
                found.append(f"{path}/ ({hidden_data} data files)")
            elif not is_hidden(name):
                found.append(f"{path}/")
    return found


def _walk(folder: str, seen: set[str]) -> Iterator[str]:
    # A link may lead back to a folder above.
    real = os.path.realpath(folder)
    if real in seen:
        return
    seen.add(real)
    files, folders = entries(folder)
    yield from (os.path.join(folder, name) for name in files if named_as_data(name) and not is_hidden(name))
    for name in folders:
        if not is_hidden(name):
            yield from _walk(os.path.join(folder, name), seen)


def _with_parents(folders: Iterable[str]) -> Iterator[str]:
    for folder in folders:
        while folder:
            yield folder
            folder = os.path.dirname(folder)
