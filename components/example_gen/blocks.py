"""Reads the physical lines of a byte range in blocks of bounded size. Standard library only."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import BinaryIO

BLOCK_BYTES = 1 << 20


class ChangedFileError(OSError):
    """A file ended before the size that it had when the run began."""


@dataclasses.dataclass(frozen=True)
class Block:
    """Consecutive whole lines.

    Args:
        data: bytes. The lines with their line ends; the last line of a file may have none. Of a line longer than the bound,
            more bytes than the bound are here, and not all of them.
        line: int. The number of its first line in the range, from 0.
        lines: int. How many lines it has.
        follower: bytes. The line behind the block, which may be cut; empty at the end of the file.
    """

    data: bytes
    line: int
    lines: int
    follower: bytes


def read_blocks(
    stream: BinaryIO, start: int, end: int | None, max_row_bytes: int, block_bytes: int = BLOCK_BYTES
) -> Iterator[Block]:
    """Reads the lines that begin in [start, end). Ranges that adjoin share no line and lose none.

    Args:
        stream: The file, at its beginning.
        start: A byte offset, at least 1.
        end: A byte offset; None is the end of the file.
        max_row_bytes: The bound of a line; longer ones are cut, at more than the bound.
        block_bytes: About the size of a block. A block holds at most this and one longest line.

    Raises:
        ChangedFileError: The file ends before `end`.
    """
    # One more byte than a line may have, and its line end, so that a cut line is still seen to be too long.
    limit = max_row_bytes + 3
    held: bytes | None = None
    line = 0
    for data in _chunks(stream, start, end, limit, block_bytes):
        if held is not None:
            yield _block(held, line, data[: data.find(b"\n") + 1] or data)
            line += _count(held)
        held = data
    if held is not None:
        yield _block(held, line, stream.readline(limit))


def _block(data: bytes, line: int, follower: bytes) -> Block:
    return Block(data, line, _count(data), follower)


def _count(data: bytes) -> int:
    return data.count(b"\n") + (not data.endswith(b"\n"))


def _chunks(stream: BinaryIO, start: int, end: int | None, limit: int, block_bytes: int) -> Iterator[bytes]:
    # The byte before the range tells whether a line begins with it.
    stream.seek(start - 1)
    position = start - 1 + _skip_line(stream)
    while end is None or position < end:
        data = stream.read(block_bytes if end is None else min(block_bytes, end - position))
        position += len(data)
        if data and not data.endswith(b"\n"):
            rest = stream.readline(limit)
            position += len(rest)
            data += rest
            if len(rest) == limit and not rest.endswith(b"\n"):
                position += _skip_line(stream)
                data += b"\n"
        if not data:
            if end is not None:
                raise ChangedFileError(
                    f"A file must not change while it is read. Received: an end at byte {position} of {end}."
                )
            return
        yield data


def _skip_line(stream: BinaryIO) -> int:
    """Reads on to the beginning of the next line, and returns the number of bytes read."""
    skipped = 0
    while piece := stream.readline(BLOCK_BYTES):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped
