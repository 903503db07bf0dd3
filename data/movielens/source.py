"""Reads a MovieLens release: the movies as tokens, the ratings as compact arrays in order of time."""

from __future__ import annotations

import array
import dataclasses
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from data.cells import token
from data.movielens.files import MOVIE_COLUMNS, RATING_COLUMNS, read_lines

LIKED_FROM = 4.0
_HIGHEST_RATING = 5.0
_LARGEST_USER = 2**31 - 1
_LAST_SECOND = 253_402_300_799
_YEAR = re.compile(r"\((\d{4})(?:[-\u2013]\d{0,4})?\)\s*$")
_FIRST_DECADE = 1970
_BATCH = 65_536


@dataclasses.dataclass(frozen=True)
class Movie:
    """A movie as tokens: its first genre, its own id, and the decade it came out in."""

    topic: str
    keyword: str
    era: str


@dataclasses.dataclass(frozen=True)
class Skipped:
    """How many lines were left out: malformed ratings, ratings of unknown movies, malformed movies."""

    ratings: int = 0
    unknown: int = 0
    movies: int = 0


@dataclasses.dataclass(frozen=True)
class Ratings:
    """The ratings as arrays of equal length, sorted by time, then user, then the movies' order."""

    user: npt.NDArray[np.int32]
    movie: npt.NDArray[np.int32]
    liked: npt.NDArray[np.bool_]
    timestamp: npt.NDArray[np.int64]

    def by_time(self) -> Iterator[tuple[int, int, bool, int]]:
        """(user, index of the movie, liked, timestamp), in order."""
        for start in range(0, len(self.user), _BATCH):
            part = slice(start, start + _BATCH)
            yield from zip(
                self.user[part].tolist(),
                self.movie[part].tolist(),
                self.liked[part].tolist(),
                self.timestamp[part].tolist(),
                strict=True,
            )

    def split_time(self, eval_share: float) -> int:
        """The second from which on events evaluate: about the last `eval_share` of them; no second is cut in two."""
        rows = len(self.timestamp)
        moment = int(self.timestamp[min(rows - 1, int(rows * (1.0 - eval_share)))])
        if moment == self.timestamp[0]:
            later = self.timestamp[self.timestamp > moment]
            if not len(later):
                raise ValueError(f"Ratings must span at least two seconds to be split by time. Received: only {moment}.")
            moment = int(later[0])
        return moment


def read_movies(path: Path) -> tuple[dict[str, Movie], int]:
    """The movies by id, in the file's order, and the number of malformed lines."""
    movies: dict[str, Movie] = {}
    malformed = 0
    for row in read_lines(path, MOVIE_COLUMNS):
        movie_id, title, genres = row["movieId"].strip(), row["title"], row["genres"]
        topic = token(genres.split("|")[0])
        if not movie_id.isdecimal() or movie_id in movies or not topic:
            malformed += 1
            continue
        movies[movie_id] = Movie(topic, movie_id, _era(title))
    return movies, malformed


def read_ratings(path: Path, movies: Mapping[str, Movie]) -> tuple[Ratings, Skipped]:
    """The ratings of known movies, and how many others there were. `Ratings.movie` counts in the order of `movies`."""
    index = {movie_id: position for position, movie_id in enumerate(movies)}
    user_column, movie_column = array.array("i"), array.array("i")
    liked_column, timestamp_column = array.array("b"), array.array("q")
    malformed = unknown = 0
    for row in read_lines(path, RATING_COLUMNS):
        try:
            user, rating, timestamp = int(row["userId"]), float(row["rating"]), int(row["timestamp"])
        except ValueError:
            malformed += 1
            continue
        movie_id = row["movieId"].strip()
        in_range = 0 <= user <= _LARGEST_USER and 0 < rating <= _HIGHEST_RATING and 0 <= timestamp <= _LAST_SECOND
        if not in_range or not movie_id.isdecimal():
            malformed += 1
        elif movie_id not in index:
            unknown += 1
        else:
            user_column.append(user)
            movie_column.append(index[movie_id])
            liked_column.append(rating >= LIKED_FROM)
            timestamp_column.append(timestamp)
    users, moments = np.array(user_column, np.int32), np.array(timestamp_column, np.int64)
    rated, liked = np.array(movie_column, np.int32), np.array(liked_column, np.bool_)
    order = np.lexsort((rated, users, moments))
    return Ratings(users[order], rated[order], liked[order], moments[order]), Skipped(malformed, unknown)


def _era(title: str) -> str:
    found = _YEAR.search(title)
    if found is None:
        return "unknown"
    decade = int(found.group(1)) // 10 * 10
    return f"{decade}s" if decade >= _FIRST_DECADE else f"before {_FIRST_DECADE}"
