"""Finds the data files of a folder, reads their headers, and cuts them into ranges. Nothing is read but the headers."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, cast

from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from tfx.dsl.io import fileio

from components.example_gen.blocks import ChangedFileError
from components.example_gen.columns import ColumnSet
from components.example_gen.header import Header, HeaderError, delimiter_of, read_header
from components.example_gen.layout import SUFFIXES, entries, is_hidden, named_as_data
from components.example_gen.rules import InvalidInputError
from components.example_gen.settings import IngestionSettings

_GZIP = ".gz"
# Rows compress to about a fourth.
_GZIP_RATIO = 4
# What reading a damaged, unreadable or vanished file raises; a truncated gzip is an EOFError.
READ_ERRORS = (OSError, EOFError, zlib.error)


@dataclasses.dataclass(frozen=True)
class DataFile:
    """A file whose header is in order.

    Args:
        path: str.
        header: Header.
        start: int. Where the line behind the header begins, in (decompressed) bytes.
        size: int. The file's size on disk, in bytes.
    """

    path: str
    header: Header
    start: int
    size: int

    @property
    def is_compressed(self) -> bool:
        return self.path.lower().endswith(_GZIP)


@dataclasses.dataclass(frozen=True)
class FileRange:
    """The lines of `file` that begin in the bytes [start, end). `end` is None for a compressed file, which is read whole."""

    file: DataFile
    start: int
    end: int | None


def find_files(folder: str) -> list[str]:
    """The paths of the data files in a folder, sorted; they are told by their names.

    Raises:
        InvalidInputError: There is none.
    """
    data = [os.path.join(folder, name) for name in entries(folder)[0] if named_as_data(name) and not is_hidden(name)]
    if not data:
        raise InvalidInputError(f"A folder must hold at least one file, of {', '.join(SUFFIXES)}. Received: {folder}.")
    return data


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """How the data files of a run looked at one moment: of each its split, path, size and time of change."""

    files: tuple[tuple[str, str, int, int], ...]

    @property
    def fingerprint(self) -> str:
        """The same wherever the data root is mounted."""
        return hashlib.sha256(json.dumps(self.files).encode()).hexdigest()

    def difference(self, later: Snapshot) -> list[str]:
        """The paths of the files that were added, removed or changed."""
        return sorted({path for _, path, _, _ in {*self.files} ^ {*later.files}})


def take_snapshot(data_root: str, folders: Mapping[str, str]) -> Snapshot:
    """Looks at the data files of a data root's folders, by split; the folders are relative to it.

    Raises:
        InvalidInputError: A folder has no data file.
    """
    files = []
    for split, folder in sorted(folders.items()):
        for path in find_files(os.path.join(data_root, folder)):
            files.append((split, os.path.relpath(path, data_root), *_size_and_change(path)))
    return Snapshot(tuple(files))


def read_headers(paths: Sequence[str], declaration: ColumnSet, settings: IngestionSettings) -> dict[str, DataFile]:
    """Reads the header of each file, and returns the files by their paths.

    Raises:
        InvalidInputError: Files are empty or unreadable, or their headers break a rule. All of them are named.
    """
    files = {}
    problems = []
    for path in paths:
        try:
            files[path] = _read_header(path, declaration, settings)
        except (HeaderError, *READ_ERRORS) as error:
            problems.append(f"{path}: {describe(error)}")
    if problems:
        raise InvalidInputError("\n".join(problems))
    return files


def describe(error: BaseException) -> str:
    """What a person needs to know of an error in a file."""
    if isinstance(error, HeaderError):
        return f"line 1: {error}"
    if isinstance(error, ChangedFileError):
        return str(error)
    if isinstance(error, EOFError):
        return f"A compressed file must be complete. Received: {error}"
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"A file must be readable. Received: {type(error).__name__}: {reason}."


def cut(file: DataFile, range_bytes: int) -> list[FileRange]:
    """The ranges of a file, of about `range_bytes` bytes; at least one, if only an empty one."""
    if file.is_compressed:
        return [FileRange(file, file.start, None)]
    starts = range(file.start, max(file.size, file.start + 1), range_bytes)
    return [FileRange(file, start, min(start + range_bytes, file.size)) for start in starts]


def bundle(files: Sequence[DataFile], range_bytes: int) -> list[list[FileRange]]:
    """The ranges of all files, in order, put together to bundles of about `range_bytes` bytes."""
    bundles: list[list[FileRange]] = []
    filled = 0
    for file in files:
        for part in cut(file, range_bytes):
            size = file.size * _GZIP_RATIO if part.end is None else part.end - part.start
            if not bundles or filled + size > range_bytes:
                bundles.append([])
                filled = 0
            bundles[-1].append(part)
            filled += size
    return bundles


@contextlib.contextmanager
def opened(path: str) -> Iterator[BinaryIO]:
    """Opens a file for reading. A gzipped one is decompressed by the standard library, which sees that one is truncated."""
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as raw:
        if not path.lower().endswith(_GZIP):
            yield raw
            return
        with gzip.GzipFile(fileobj=raw) as decompressed:
            yield cast(BinaryIO, decompressed)


def check_unchanged(file: DataFile) -> None:
    """Raises ChangedFileError if the file has another size than when its header was read: its ranges would not fit."""
    size = _size(file.path)
    if size != file.size:
        raise ChangedFileError(f"A file must not change while it is read. Received: {size} bytes, {file.size} before.")


def _size_and_change(path: str) -> tuple[int, int]:
    """A file's size in bytes, and when it was changed, in nanoseconds."""
    try:
        if "://" not in path:
            # TensorFlow, and so `fileio`, cuts the time to seconds.
            local = os.stat(path)
            return local.st_size, local.st_mtime_ns
        remote = fileio.stat(path)
        return int(remote.length), int(remote.mtime_nsec)
    except (OSError, fileio.NotFoundError):
        # A link that leads nowhere, or a file that has just gone: reading it will tell.
        return -1, -1


def _size(path: str) -> int:
    with FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED) as raw:
        raw.seek(0, os.SEEK_END)
        return raw.tell()


def _read_header(path: str, declaration: ColumnSet, settings: IngestionSettings) -> DataFile:
    size = _size(path)
    with opened(path) as stream:
        line = stream.readline(settings.max_row_bytes + 1)
    if not line:
        raise HeaderError("A file must have a header with the declared columns. Received: an empty file.")
    if len(line) > settings.max_row_bytes:
        raise HeaderError(f"A header must not be longer than {settings.max_row_bytes} bytes. Received: {line[:200]!r}.")
    return DataFile(path, read_header(line, delimiter_of(path), declaration), len(line), size)
