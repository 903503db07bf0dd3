"""Converts a MovieLens release (ratings and movies, .csv or .dat) to interaction CSVs, without leakage.

    python -m data.movielens --source ml-latest-small --out DIR

Every rating becomes one row, in order of time. History and profile columns are built from the same user's events with a
strictly smaller timestamp only: events of the same second are not known yet. With `--layout train-eval` (the default)
the last `--eval-share` of the events, by time, evaluate. The mapping of the columns is in data/README.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import itertools
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from data.auc import popularity_auc
from data.csv_files import LAYOUTS, Layout, check_no_other_csvs, read_rows, span_path, write_rows
from data.movielens.files import release_files
from data.movielens.source import Movie, Ratings, Skipped, read_movies, read_ratings
from data.user_state import UserState

DAY_SECONDS = 86_400


@dataclasses.dataclass(frozen=True)
class MovieLensConfig:
    """How the events are turned into rows and files.

    Args:
        layout: str. `train-eval`, `files` or `folders`.
        span_days: int. Days per file; spans are counted from the day (UTC) of the first event.
        eval_share: float. With `train-eval`, the share of the events, the last ones, that evaluate.
        min_history: int. Rows whose user has fewer earlier liked events than this are not written.
        favourite_days: int. Days before an event whose liked events make `all_topic_fav_7`.
        max_follows: int. Most topics in `follow_topic_id`.
    """

    layout: Layout = "train-eval"
    span_days: int = 30
    eval_share: float = 0.2
    min_history: int = 0
    favourite_days: int = 7
    max_follows: int = 10

    def __post_init__(self) -> None:
        if self.layout not in LAYOUTS:
            raise ValueError(f"`layout` must be one of {LAYOUTS}. Received: {self.layout!r}.")
        for name in ("span_days", "favourite_days", "max_follows"):
            if getattr(self, name) < 1:
                raise ValueError(f"`{name}` must be positive. Received: {getattr(self, name)!r}.")
        if not 0.0 < self.eval_share < 1.0:
            raise ValueError(f"`eval_share` must lie between 0 and 1, exclusive. Received: {self.eval_share!r}.")
        if self.min_history < 0:
            raise ValueError(f"`min_history` must not be negative. Received: {self.min_history!r}.")


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What was written. `popularity_auc` is None unless the layout has an evaluation split."""

    train_paths: tuple[Path, ...]
    eval_paths: tuple[Path, ...]
    train_rows: int
    eval_rows: int
    skipped: Skipped
    popularity_auc: float | None


@dataclasses.dataclass(frozen=True)
class Event:
    """One row and what decides which file it goes to."""

    timestamp: int
    cells: list[str]


def generate_events(ratings: Ratings, movies: Sequence[Movie], config: MovieLensConfig) -> Iterator[Event]:
    """The rows in order of time, each from what was known of its user strictly before."""
    users: dict[int, UserState] = {}
    window = config.favourite_days * DAY_SECONDS
    for user, index, liked, timestamp in ratings.by_time():
        state = users.get(user)
        if state is None:
            state = users[user] = UserState(window, config.max_follows)
        movie = movies[index]
        state.advance(timestamp)
        if state.likes >= config.min_history:
            yield Event(timestamp, _cells(user, movie, liked, state))
        state.add(movie, visited=liked, liked=liked)


def convert(source: Path, out: Path, config: MovieLensConfig) -> Conversion:
    """Writes the CSVs of `source` under `out`, over those an earlier conversion of it left there.

    Raises:
        FileNotFoundError: A file of the release is missing; the message names its path.
        FileExistsError: `out` holds CSVs of other runs.
        ValueError: The folder holds two formats, there is nothing to write, or no time that splits train from eval.
    """
    movies_file, ratings_file = release_files(source)
    movies, unreadable = read_movies(movies_file)
    ratings, skipped = read_ratings(ratings_file, movies)
    skipped = dataclasses.replace(skipped, movies=unreadable)
    if not len(ratings.timestamp):
        raise ValueError(f"{ratings_file} must hold ratings of known movies. Received: none.")
    eval_from = ratings.split_time(config.eval_share) if config.layout == "train-eval" else None
    first_day = int(ratings.timestamp.min()) // DAY_SECONDS

    def file_of(timestamp: int) -> tuple[bool, Path]:
        in_eval = eval_from is not None and timestamp >= eval_from
        day = timestamp // DAY_SECONDS
        start = day - (day - first_day) % config.span_days
        date = datetime.date(1970, 1, 1) + datetime.timedelta(days=start)
        return in_eval, span_path(out, config.layout, date, in_eval=in_eval)

    days = np.unique(ratings.timestamp // DAY_SECONDS)
    edges = [] if eval_from is None else [eval_from, eval_from - 1]
    planned = {file_of(int(moment))[1] for moment in [*(days * DAY_SECONDS), *edges]}
    check_no_other_csvs(out, planned)
    paths: dict[bool, list[Path]] = {False: [], True: []}
    counts = {False: 0, True: 0}
    events = generate_events(ratings, list(movies.values()), config)
    for (in_eval, path), group in itertools.groupby(events, lambda event: file_of(event.timestamp)):
        paths[in_eval].append(path)
        counts[in_eval] += write_rows(path, (event.cells for event in group))
    for stale in planned.difference(paths[False], paths[True]):
        stale.unlink(missing_ok=True)
    if not counts[False] + counts[True]:
        raise ValueError(f"`min_history` must leave at least one row. Received: {config.min_history!r}.")
    popularity = popularity_auc(read_rows(paths[False]), read_rows(paths[True])) if counts[False] and counts[True] else None
    return Conversion(tuple(paths[False]), tuple(paths[True]), counts[False], counts[True], skipped, popularity)


def _cells(user: int, movie: Movie, liked: bool, state: UserState) -> list[str]:
    topics, keywords = state.history()
    return [
        str(int(liked)),
        str(user),
        state.activity(),
        movie.era,
        movie.topic,
        state.follows(),
        state.favourites(),
        topics,
        keywords,
        movie.keyword,
    ]


def _parser() -> argparse.ArgumentParser:
    default = MovieLensConfig()
    parser = argparse.ArgumentParser(prog="python -m data.movielens", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder of a release")
    parser.add_argument("--out", type=Path, required=True, help="folder to write the CSVs into")
    parser.add_argument("--layout", choices=LAYOUTS, default=default.layout, help="where files lie (%(default)s)")
    group = parser.add_argument_group("rows", "explained in data/README.md, MovieLens")
    for field in dataclasses.fields(MovieLensConfig)[1:]:
        flag = "--" + field.name.replace("_", "-")
        group.add_argument(flag, type=type(field.default), default=field.default, help="(%(default)s)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 2, with one line of explanation, when the arguments or files cannot be used."""
    arguments = vars(_parser().parse_args(argv))
    source, out = arguments.pop("source"), arguments.pop("out")
    try:
        result = convert(source, out, MovieLensConfig(**arguments))
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print("\n".join(_summary(result)))
    return 0


def _summary(result: Conversion) -> Iterable[str]:
    skipped = result.skipped
    yield f"rows     {result.train_rows + result.eval_rows} in {len(result.train_paths + result.eval_paths)} files"
    if result.eval_paths:
        yield f"split    train {result.train_rows}, eval {result.eval_rows}, by time"
    yield f"skipped  {skipped.ratings} malformed ratings, {skipped.unknown} of unknown movies"
    yield f"         {skipped.movies} malformed movies"
    if result.popularity_auc is not None:
        yield f"item-popularity AUC on eval  {result.popularity_auc:.4f}"
