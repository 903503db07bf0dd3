"""Reads a KuaiRand release: the videos as tokens, the logs as compact arrays in order of time."""

from __future__ import annotations

import array
import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.cells import token
from data.csv_files import read_table

LOGS, VIDEOS, USERS = "log_standard_*.csv", "video_features_basic_*.csv", "user_features_*.csv"
LOG_COLUMNS = ("user_id", "video_id", "time_ms", "is_click", "is_like", "long_view", "duration_ms", "tab")
VIDEO_COLUMNS = ("video_id", "tag")
USER_COLUMNS = ("user_id", "user_active_degree")
UNTAGGED = "untagged"
# A video's length, in milliseconds, up to which it has each name. 7 and 18 seconds are where the release tells a click and
# a long view from others.
LENGTHS = ((7_000, "to 7 s"), (18_000, "to 18 s"), (60_000, "to 60 s"), (180_000, "to 180 s"))
LONGEST = "longer"
_LAST_MS = 253_402_300_799_000
_LARGEST = 2**63 - 1
_BATCH = 65_536


@dataclasses.dataclass(frozen=True, slots=True)
class Video:
    """A video as tokens: its first tag, and its id."""

    topic: str
    keyword: str


@dataclasses.dataclass
class Skipped:
    """How many lines were left out: malformed ones, impressions of unknown videos, and repeated impressions."""

    malformed: int = 0
    unknown: int = 0
    repeated: int = 0
    videos: int = 0
    users: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Impression:
    """A video that a user was shown, and what came of it. `time` is in milliseconds, `length` counts `LENGTHS`."""

    time: int
    user: int
    video: int
    tab: int
    length: int
    clicked: bool
    liked: bool
    watched: bool


@dataclasses.dataclass(frozen=True)
class Impressions:
    """The impressions as arrays of equal length, 36 bytes for each, sorted by time, then user, then the video's place."""

    columns: Mapping[str, npt.NDArray[np.int64] | npt.NDArray[np.int8]]

    def __len__(self) -> int:
        return len(self.columns["time"])

    def __iter__(self) -> Iterator[Impression]:
        for start in range(0, len(self), _BATCH):
            lists = [self.columns[name][start : start + _BATCH].tolist() for name in _FIELDS]
            for time, user, video, tab, length, clicked, liked, watched in zip(*lists, strict=True):
                yield Impression(time, user, video, tab, length, bool(clicked), bool(liked), bool(watched))


# The fields of an impression, and the type code of their arrays.
_FIELDS = {"time": "q", "user": "q", "video": "q", "tab": "q", "length": "b", "clicked": "b", "liked": "b", "watched": "b"}


def release_files(source: Path, pattern: str) -> list[Path]:
    """The files of one kind in a release's folder, or in its folder `data`, sorted.

    Raises:
        FileNotFoundError: There is none; the message names the pattern.
    """
    found = sorted(source.glob(pattern)) or sorted((source / "data").glob(pattern))
    if not found:
        raise FileNotFoundError(f"{source / pattern} must exist. Received: no such file, nor one in {source / 'data'}.")
    return found


def read_videos(paths: Sequence[Path], skipped: Skipped) -> dict[str, Video]:
    """The videos by id, in the files' order. An id that comes again counts as malformed."""
    videos: dict[str, Video] = {}
    for row in (row for path in paths for row in read_table(path, VIDEO_COLUMNS)):
        video = row["video_id"].strip()
        if not _is_id(video) or video in videos:
            skipped.videos += 1
            continue
        topic = token(row["tag"].split(",")[0]) or UNTAGGED
        videos[video] = Video(sys.intern(topic), video)
    return videos


def read_degrees(paths: Sequence[Path], skipped: Skipped) -> dict[int, str]:
    """How active each user is, as the release has it."""
    degrees: dict[int, str] = {}
    for row in (row for path in paths for row in read_table(path, USER_COLUMNS)):
        user, degree = row["user_id"].strip(), token(row["user_active_degree"])
        if not _is_id(user) or int(user) in degrees or not degree:
            skipped.users += 1
            continue
        degrees[int(user)] = sys.intern(degree)
    return degrees


def read_impressions(paths: Sequence[Path], videos: Mapping[str, Video], skipped: Skipped) -> Impressions:
    """The impressions of known videos; one that is logged again, at the same moment in the same place, counts once."""
    place = {video: number for number, video in enumerate(videos)}
    columns = {name: array.array(code) for name, code in _FIELDS.items()}
    for row in (row for path in paths for row in read_table(path, LOG_COLUMNS)):
        values = _values(row)
        if values is None:
            skipped.malformed += 1
        elif (video := place.get(row["video_id"].strip())) is None:
            skipped.unknown += 1
        else:
            values["video"] = video
            for name, column in columns.items():
                column.append(values[name])
    arrays = {name: np.array(column, np.dtype(column.typecode)) for name, column in columns.items()}
    order = np.lexsort([arrays[name] for name in reversed(_FIELDS)])
    arrays = {name: values[order] for name, values in arrays.items()}
    again = np.zeros(len(order), bool)
    again[1:] = np.all([arrays[name][1:] == arrays[name][:-1] for name in ("time", "user", "video", "tab")], axis=0)
    skipped.repeated += int(again.sum())
    return Impressions({name: values[~again] for name, values in arrays.items()})


def _values(row: Mapping[str, str]) -> dict[str, int] | None:
    """The numbers of a line, but for the video's place; None if the line is malformed."""
    flags = {"clicked": row["is_click"], "liked": row["is_like"], "watched": row["long_view"]}
    # Some releases write whole numbers as floats.
    cells = {name: row[name].strip().removesuffix(".0") for name in ("user_id", "video_id", "time_ms", "tab", "duration_ms")}
    if not all(_is_id(cell) for cell in cells.values()) or any(flag.strip() not in ("0", "1") for flag in flags.values()):
        return None
    time, duration = int(cells["time_ms"]), int(cells["duration_ms"])
    if time > _LAST_MS:
        return None
    length = next((number for number, (limit, _) in enumerate(LENGTHS) if duration <= limit), len(LENGTHS))
    numbers = {name: int(flag) for name, flag in flags.items()}
    return {**numbers, "time": time, "user": int(cells["user_id"]), "tab": int(cells["tab"]), "length": length}


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 20 and int(text) <= _LARGEST
