"""Interaction CSVs as arrays of ids, for models that train from memory: what `transform/` does, without Beam.

One difference: the vocabularies are those of all rows that do not judge, those included that tell when to stop.
"""

from __future__ import annotations

import collections
import csv
import dataclasses
import gzip
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from transform.declaration import (
    FIRST_TOKEN_ID,
    LIST_SEPARATOR,
    OOV_ID,
    PADDING_ID,
    WEIGHT_SEPARATOR,
    Category,
    Declaration,
    weight_name,
)
from transform.features import DECLARATION

JUDGE_SHARE = 0.2
NEWEST_SHARE = 0.2  # of clients, held out to tell when to stop, as `components/dataset/executor.py` does
ONLY_SHARE = 0.1

Row = dict[str, str]
Features = dict[str, np.ndarray]
Tokens = list[tuple[str, ...]]


@dataclasses.dataclass(frozen=True)
class Part:
    """Some rows: the model's inputs, lists padded to `max_length` at most; the labels; each row's client as a number."""

    features: Features
    labels: np.ndarray
    clients: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: np.ndarray | slice) -> Part:
        return Part({k: v[rows] for k, v in self.features.items()}, self.labels[rows], self.clients[rows])

    def followed_by(self, other: Part) -> Part:
        """The rows of both."""
        features = {k: np.concatenate([v, other.features[k]]) for k, v in self.features.items()}
        return Part(features, np.concatenate([self.labels, other.labels]), np.concatenate([self.clients, other.clients]))


@dataclasses.dataclass(frozen=True)
class Log:
    """A log, cut into rows that train, some clients' rows of the newest that do not but tell when to stop, and later rows
    that judge; and the number of tokens of each vocabulary.
    """

    train: Part
    validation: Part
    judge: Part
    sizes: dict[str, int]

    @property
    def known(self) -> Part:
        """All rows but those that judge."""
        return self.train.followed_by(self.validation)


def read_log(folder: Path, declaration: Declaration = DECLARATION, drop_newest: int = 0) -> Log:
    """Reads a folder as the pipeline does: `train` and `eval` folders; a folder a day, of which the newest judges; or files,
    of which one client in five judges.

    Args:
        folder: The data root.
        declaration: The declared features.
        drop_newest: How many of the newest days are left out, to tune on days that do not judge.
    """
    older, newest, judge = split_rows(folder, declaration, drop_newest)
    return encode(older, newest, judge, declaration)


def split_rows(folder: Path, declaration: Declaration, drop_newest: int = 0) -> tuple[list[Row], list[Row], list[Row]]:
    """The rows of all days that train but the newest, none if there is one only; those of the newest; the judge's."""
    if (folder / "train").is_dir():
        return [], list(_read(folder / "train")), list(_read(folder / "eval"))
    days = sorted(path for path in folder.iterdir() if path.is_dir())
    days = days[: len(days) - drop_newest]
    if days:
        return [row for day in days[:-2] for row in _read(day)], list(_read(days[-2])), list(_read(days[-1]))
    rows = list(_read(folder))
    judges = [_share(row[declaration.group], "judge") < JUDGE_SHARE for row in rows]
    train = [row for row, judging in zip(rows, judges, strict=True) if not judging]
    return [], train, [row for row, judging in zip(rows, judges, strict=True) if judging]


def encode(older: Sequence[Row], newest: Sequence[Row], judge: Sequence[Row], declaration: Declaration) -> Log:
    """Turns rows into ids; the vocabularies are those of the rows that do not judge."""
    train = [*older, *newest]
    split = [_tokens(rows, declaration) for rows in (train, judge)]
    tables: dict[str, Callable[[str], int]] = {}
    sizes = {}
    candidates = {candidate for history in declaration.histories for _, candidate in history.queries}
    for vocabulary, columns in declaration.vocabularies.items():
        known = _vocabulary((split[0][column] for column in columns), declaration.min_frequency)
        sizes[vocabulary] = len(known)
        ids = {token: i + FIRST_TOKEN_ID for i, token in enumerate(known)} | {"": PADDING_ID}
        queried = [column for column in columns if column in candidates]
        frequent = set(_vocabulary((split[0][column] for column in queried), declaration.min_frequency)) | {""}
        for column in columns:
            kept = {t: i for t, i in ids.items() if t in frequent} if column in queried else ids
            tables[column] = _lookup(kept)
    clients: dict[str, int] = {}
    parts = []
    for rows, tokens in zip((train, judge), split, strict=True):
        features = _pad(tokens, tables, declaration)
        for pooled in declaration.lists:
            name = weight_name(pooled.name)
            if name in tokens:
                features[name] = _matrix([[float(w) for w in row] for row in tokens[name]], np.float32)
        labels = np.array([int(row[declaration.label]) for row in rows])
        numbers = np.array([clients.setdefault(row[declaration.group], len(clients)) for row in rows])
        parts.append(Part(features, labels, numbers))
    limit = NEWEST_SHARE if older else ONLY_SHARE
    held = [_share(row[declaration.group], "validation") < limit for row in newest]
    held_out = np.concatenate([np.zeros(len(older), bool), np.array(held, bool)])
    return Log(parts[0][~held_out], parts[0][held_out], parts[1], sizes)


def shortened(log: Log, declaration: Declaration, newest: int) -> Log:
    """The log with the newest entries of each history alone, as many as `newest` at most."""
    train, validation, judge = (
        dataclasses.replace(part, features=_newest(part.features, declaration, newest))
        for part in (log.train, log.validation, log.judge)
    )
    return Log(train, validation, judge, log.sizes)


def _newest(features: Features, declaration: Declaration, newest: int) -> Features:
    short = dict(features)
    for history in declaration.histories:
        filled = np.any([features[column] != PADDING_ID for column in history.columns], axis=0)
        lengths = (filled * np.arange(1, filled.shape[1] + 1)).max(axis=1)
        kept = np.minimum(lengths, newest)[:, None]
        place = np.arange(newest)
        source = np.where(place < kept, lengths[:, None] - kept + place, 0)
        for column in history.columns:
            short[column] = np.where(place < kept, np.take_along_axis(features[column], source, axis=1), PADDING_ID)
    return short


def _read(folder: Path) -> Iterator[Row]:
    for path in sorted(folder.iterdir()):
        if path.suffix == ".gz":
            with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file)
        elif path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file)


def _share(client: str, salt: str) -> float:
    """A number in [0, 1) that is a client's own."""
    return int.from_bytes(hashlib.md5(f"{salt} {client}".encode()).digest()[:8], "big") / 2**64


def _tokens(rows: Sequence[Row], declaration: Declaration) -> dict[str, Tokens]:
    """The tokens of each column, cut to its length, and weights by `weight_name`."""
    lists = {pooled.name: pooled for pooled in declaration.lists}
    found: dict[str, Tokens] = {}
    for feature in declaration.features:
        if isinstance(feature, Category):
            found[feature.name] = [(row[feature.name].strip(),) for row in rows]
    for name, pooled in lists.items():
        cells = [[t.strip() for t in row[name].split(LIST_SEPARATOR)] for row in rows]
        cells = [[token for token in cell if token][: pooled.max_length] for cell in cells]
        if any(column.name == name and column.kind == "weighted_list" for column in declaration.columns):
            pairs = [[token.rpartition(WEIGHT_SEPARATOR) for token in cell] for cell in cells]
            found[name] = [tuple(pair[0].strip() for pair in row) for row in pairs]
            found[weight_name(name)] = [tuple(pair[2] for pair in row) for row in pairs]
        else:
            found[name] = [tuple(cell) for cell in cells]
    for history in declaration.histories:
        for name in history.columns:
            cells = [[t.strip() for t in row[name].split(LIST_SEPARATOR)] if row[name].strip() else [] for row in rows]
            found[name] = [tuple(cell[-history.max_length :]) for cell in cells]
    return found


def _vocabulary(columns: Iterable[Tokens], min_frequency: int) -> list[str]:
    counts = collections.Counter(token for column in columns for row in column for token in row if token)
    return sorted((token for token, count in counts.items() if count >= min_frequency), key=lambda t: (-counts[t], t))


def _lookup(ids: dict[str, int]) -> Callable[[str], int]:
    return lambda token: ids.get(token, OOV_ID)


def _pad(tokens: dict[str, Tokens], tables: dict[str, Callable[[str], int]], declaration: Declaration) -> Features:
    features: Features = {}
    for column in declaration.columns:
        if column.side is not None:
            ids = [[tables[column.name](token) for token in row] for row in tokens[column.name]]
            matrix = _matrix(ids, np.int64)
            features[column.name] = matrix[:, 0] if column.kind == "category" else matrix
    return features


def _matrix(rows: Sequence[Sequence[float]], dtype: type) -> np.ndarray:
    matrix: np.ndarray = np.zeros((len(rows), max([1, *map(len, rows)])), dtype)
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
    return matrix
