"""Converts a KuaiRand release (log_standard_*.csv, video_features_basic_*.csv) to interaction CSVs, a file a day.

    python -m data.kuairand --source KuaiRand-Pure --out DIR

Every impression becomes one row, in order of time. What the row tells of the user comes from the same user's impressions
with a strictly smaller timestamp. The mapping of the columns is in data/README.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, get_args

from data.csv_files import Layout, check_no_other_csvs, span_path
from data.kuairand.source import (
    LENGTHS,
    LOGS,
    LONGEST,
    USERS,
    VIDEOS,
    Impression,
    Skipped,
    Video,
    read_degrees,
    read_impressions,
    read_videos,
    release_files,
)
from data.span_writer import SpanWriter
from data.user_state import UserState

Client = Literal["tab", "active-degree"]
CLIENTS: tuple[str, ...] = get_args(Client)
DAILY_LAYOUTS = ("folders", "files")
_DAY_MS = 86_400_000
# The log's `date` is that of Beijing.
_ZONE = datetime.timezone(datetime.timedelta(hours=8))
_UNKNOWN = "UNKNOWN"


@dataclasses.dataclass(frozen=True)
class KuaiRandConfig:
    """How the impressions are turned into rows and files.

    Args:
        layout: str. `folders` or `files`.
        client: str. What `client_type` is: the `tab` of the app, or the user's `active-degree`.
        favourite_days: int. Days before an impression whose long views make `all_topic_fav_7`.
        max_follows: int. Most topics in `follow_topic_id`.
    """

    layout: Layout = "folders"
    client: Client = "tab"
    favourite_days: int = 7
    max_follows: int = 10

    def __post_init__(self) -> None:
        for name, known in (("layout", DAILY_LAYOUTS), ("client", CLIENTS)):
            if getattr(self, name) not in known:
                raise ValueError(f"`{name}` must be one of {known}. Received: {getattr(self, name)!r}.")
        for name in ("favourite_days", "max_follows"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be positive. Received: {getattr(self, name)!r}.")


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What was written, and what was left out."""

    paths: tuple[Path, ...]
    rows: int
    clicks: int
    skipped: Skipped


def generate_rows(
    impressions: Iterable[Impression], videos: Sequence[Video], degrees: Mapping[int, str] | None, config: KuaiRandConfig
) -> Iterator[tuple[datetime.date, list[str]]]:
    """The rows and their days, in order of time, each from what was known of its user strictly before.

    Args:
        impressions: In order of time.
        videos: What `Impression.video` counts.
        degrees: How active each user is; None if `client_type` is the tab.
        config: The configuration.
    """
    users: dict[int, UserState] = {}
    window = config.favourite_days * _DAY_MS
    for one in impressions:
        state = users.get(one.user)
        if state is None:
            state = users[one.user] = UserState(window, config.max_follows)
        video = videos[one.video]
        state.advance(one.time)
        client = str(one.tab) if degrees is None else degrees.get(one.user, _UNKNOWN)
        length = LENGTHS[one.length][1] if one.length < len(LENGTHS) else LONGEST
        known = [state.follows(), state.favourites(), *state.history()]
        row = [str(int(one.clicked)), str(one.user), client, length, video.topic, *known, video.keyword]
        yield datetime.datetime.fromtimestamp(one.time / 1000, _ZONE).date(), row
        state.add(video, visited=one.watched, liked=one.liked)


def convert(source: Path, out: Path, config: KuaiRandConfig) -> Conversion:
    """Writes the CSVs of a release under `out`; they appear when all of them are complete.

    Raises:
        FileNotFoundError: A file of the release is missing; the message names it.
        FileExistsError: `out` holds CSVs.
        ValueError: A file has other columns, or there is nothing to write.
    """
    logs, video_files = release_files(source, LOGS), release_files(source, VIDEOS)
    user_files = release_files(source, USERS) if config.client == "active-degree" else None
    check_no_other_csvs(out, ())
    skipped = Skipped()
    videos = read_videos(video_files, skipped)
    degrees = None if user_files is None else read_degrees(user_files, skipped)
    impressions = read_impressions(logs, videos, skipped)
    if not len(impressions):
        raise ValueError(f"{logs[0]} must hold impressions of known videos. Received: none.")
    rows = clicks = 0
    with SpanWriter(out) as writer:
        for day, row in generate_rows(impressions, list(videos.values()), degrees, config):
            rows += 1
            clicks += row[0] == "1"
            writer.add(day, row)
        paths = writer.publish(lambda day: span_path(out, config.layout, day))
    return Conversion(tuple(paths), rows, clicks, skipped)


def _parser() -> argparse.ArgumentParser:
    default = KuaiRandConfig()
    parser = argparse.ArgumentParser(prog="python -m data.kuairand", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder of a release")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the CSVs into; it must hold none")
    parser.add_argument("--layout", choices=DAILY_LAYOUTS, default=default.layout, help="where files lie (%(default)s)")
    parser.add_argument("--client", choices=CLIENTS, default=default.client, help="what client_type is (%(default)s)")
    parser.add_argument(
        "--favourite-days", type=int, default=default.favourite_days, help="days of all_topic_fav_7 (%(default)s)"
    )
    parser.add_argument(
        "--max-follows", type=int, default=default.max_follows, help="most topics in follow_topic_id (%(default)s)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 2, with one line of explanation, when the arguments or files cannot be used."""
    arguments = vars(_parser().parse_args(argv))
    source, out = arguments.pop("source"), arguments.pop("out")
    try:
        result = convert(source, out, KuaiRandConfig(**arguments))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    skipped = result.skipped
    print(f"rows     {result.rows} in {len(result.paths)} files, click rate {result.clicks / result.rows:.4f}")
    print(
        f"skipped  {skipped.malformed} malformed impressions, {skipped.unknown} of unknown videos, "
        f"{skipped.repeated} repeated"
    )
    print(f"         {skipped.videos} malformed videos, {skipped.users} malformed users")
    return 0
