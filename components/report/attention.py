"""Which past items the attention lights for one candidate, and which for another one of the same user."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from components.report.sample import Sample, Served
from transform.declaration import Declaration, History

# Of the signature `explain`: trainer.signatures says the same, and imports Keras.
_ATTENTION, _TOKENS = "attention_", "tokens_"
# How many past items make a history worth looking at, and how many candidates of a user are compared.
_LEAST, _CANDIDATES = 4, 12
# How many users are looked at.
_USERS = 24


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A candidate: its columns' cells, its score, and whether it was clicked."""

    cells: dict[str, str]
    score: float
    clicked: bool


@dataclasses.dataclass(frozen=True)
class Contrast:
    """A user's past, as two candidates light it.

    Args:
        queries: The history's columns, each with the candidate's column that it is asked by.
        candidates: The two candidates.
        past: The tokens of each past item by column, the newest first.
        weights: The two candidates' weights of each of them, [past, 2].
    """

    queries: tuple[tuple[str, str], ...]
    candidates: tuple[Candidate, Candidate]
    past: tuple[dict[str, str], ...]
    weights: npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Found:
    """The contrasts, the largest first, and how many users were looked at."""

    contrasts: tuple[Contrast, ...]
    looked_at: int


def contrasts(model: Served, sample: Sample, declaration: Declaration, count: int) -> Found:
    """Of the first clients whose history is long enough, those whose candidates light it most differently.

    Args:
        model: The exported model.
        sample: The rows; clients come in no order of their own.
        declaration: The declared features.
        count: The most to find.
    """
    found: list[Contrast] = []
    if not declaration.histories or count < 1:
        return Found((), 0)
    for client in np.unique(sample.clients):
        rows = np.flatnonzero(sample.clients == client)
        one = _contrast(model, sample, declaration, rows) if len(rows) > 1 else None
        if one is not None:
            found.append(one)
        if len(found) == max(_USERS, count):
            break
    by_difference = sorted(found, key=lambda one: -float(np.abs(one.weights[:, 0] - one.weights[:, 1]).sum()))
    return Found(tuple(by_difference[:count]), len(found))


def _contrast(model: Served, sample: Sample, declaration: Declaration, rows: npt.NDArray[np.int64]) -> Contrast | None:
    history = declaration.histories[0]
    column = history.columns[0]
    entries = [cell.count(b",") + 1 if cell else 0 for cell in sample.columns[column][rows]]
    user = rows[int(np.argmax(entries))]
    items, first = np.unique(
        [b"\x1f".join(sample.columns[name][row] for name in declaration.side_columns("item")) for row in rows],
        return_index=True,
    )
    if max(entries) < _LEAST or len(items) < 2:
        return None
    offered = rows[np.sort(first)][:_CANDIDATES]
    columns = {name: sample.columns[name][[user]] for name in declaration.side_columns("user")}
    columns |= {name: sample.columns[name][offered][None, :] for name in declaration.side_columns("item")}
    return _most_different(model.explained(columns), sample, declaration, history, offered)


def _most_different(
    answer: dict[str, npt.NDArray[Any]],
    sample: Sample,
    declaration: Declaration,
    history: History,
    offered: npt.NDArray[np.int64],
) -> Contrast:
    weights = answer[f"{_ATTENTION}{history.name}"][0].astype(np.float64)
    apart = np.abs(weights[:, None] - weights[None]).sum(axis=-1)
    pair = np.unravel_index(int(np.argmax(apart)), apart.shape)
    # The clicked one first; else the one of the higher score.
    scores = answer["score"][0].astype(float)
    one, other = sorted(map(int, pair), key=lambda k: (-sample.labels[offered[k]], -scores[k]))
    tokens = {column: answer[f"{_TOKENS}{column}"][0] for column in history.columns}
    length = int(sum(bool(token) for token in tokens[history.columns[0]]))
    past = [{column: _text(of[position]) for column, of in tokens.items()} for position in range(length)]
    return Contrast(
        history.queries,
        (
            _candidate(sample, declaration, offered[one], scores[one]),
            _candidate(sample, declaration, offered[other], scores[other]),
        ),
        tuple(reversed(past)),
        weights[[one, other], :length].T[::-1],
    )


def _candidate(sample: Sample, declaration: Declaration, row: int, score: float) -> Candidate:
    cells = {name: _text(sample.columns[name][row]) for name in declaration.side_columns("item")}
    return Candidate(cells, float(score), bool(sample.labels[row]))


def _text(cell: bytes) -> str:
    return cell.decode(errors="replace")
