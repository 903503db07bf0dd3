"""Rows that break one rule each, planted among good ones, so that a pipeline can show that it sets them aside.

A bad row is a copy of the good row before it with one fault. The good rows stay what they are without bad ones: what a
pipeline accepts can be compared with the clean files.
"""

from __future__ import annotations

import collections
import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import TextIO

import numpy as np

from data.csv_files import HEADER

_POSITION = {name: position for position, name in enumerate(HEADER)}
_STREAM = 1


def _cells_edited(edit: Callable[[list[str]], list[str]]) -> Callable[[Sequence[str]], bytes]:
    return lambda row: _line(edit(list(row)))


def _cell_set(column: str, value: str) -> Callable[[Sequence[str]], bytes]:
    position = _POSITION[column]
    return _cells_edited(lambda row: [*row[:position], value, *row[position + 1 :]])


def _history_lengthened(row: list[str]) -> list[str]:
    position = _POSITION["hist_topic_id"]
    row[position] = f"{row[position]},0" if row[position] else "0"
    return row


KINDS: dict[str, Callable[[Sequence[str]], bytes]] = {
    "too_few_cells": _cells_edited(lambda row: row[:-1]),
    "too_many_cells": _cells_edited(lambda row: [*row, "0"]),
    "bad_utf8": lambda row: _line(row) + b"\xff",
    "nul": lambda row: _line(row) + b"\0",
    "unbalanced_quote": lambda row: _line(row[:-1]) + b',"0',
    "label_two": _cell_set("act", "2"),
    "label_empty": _cell_set("act", ""),
    "client_empty": _cell_set("client_id", ""),
    "category_empty": _cell_set("topic_id", ""),
    "category_with_separator": _cell_set("keyword_id", "1,2"),
    "weight_nan": _cell_set("all_topic_fav_7", "1:nan"),
    "weight_negative": _cell_set("all_topic_fav_7", "0:0.5,1:-1"),
    "weight_infinite": _cell_set("all_topic_fav_7", "1:1e999"),
    "weight_missing": _cell_set("all_topic_fav_7", "1"),
    "histories_unequal": _cells_edited(_history_lengthened),
}


class BadRows:
    """Plants bad rows of all kinds in turn, and notes where.

    Args:
        share: float. Bad rows per good row; 0 plants none.
        seed: int. Seed of their places.
        truth: TextIO. Gets a line of JSON for each bad row: `file`, `line` (the header is line 1), `kind`.
    """

    def __init__(self, share: float, seed: int, truth: TextIO | None = None) -> None:
        self._share = share
        self._seed = seed
        self._truth = truth
        self.counts: collections.Counter[str] = collections.Counter()

    def among(self, chunks: Iterator[list[list[str]]], span: int, file: str) -> Iterator[list[str] | bytes]:
        """The rows of the file `file`, which holds the span numbered `span`, with bad rows, as bytes, among them."""
        kinds = list(KINDS)
        line = 1
        for chunk, rows in enumerate(chunks):
            if not self._share:
                yield from rows
                continue
            followed = np.random.default_rng([self._seed, span, chunk, _STREAM]).random(len(rows)) < self._share
            for row, is_followed in zip(rows, followed.tolist(), strict=True):
                yield row
                line += 1
                if is_followed:
                    kind = kinds[self.counts.total() % len(kinds)]
                    self.counts[kind] += 1
                    line += 1
                    if self._truth is not None:
                        self._truth.write(json.dumps({"file": file, "line": line, "kind": kind}) + "\n")
                    yield KINDS[kind](row)


def _line(row: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(row)
    return text.getvalue().encode()
