"""Holds served rows to what the model answers to them now, and to the rows that trained and judged it."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from scipy.spatial.distance import jensenshannon

from components.example_validator.noise import divergence_noise
from components.served_model import ServedModel
from components.vocabulary_validator.oov_rate import vocabulary_of
from pipeline.parity.served_log import ServedRow
from pipeline.parity.settings import ParitySettings
from transform.declaration import LIST_SEPARATOR, OOV_ID, PADDING_ID, WEIGHT_SEPARATOR, Declaration

TOLERANCE = 1e-5
# Histories are compared by their lengths, counted up to these.
_LENGTHS = (0, 1, 2, 5, 10, 20, 50)
_NUMERIC_GROUPS = 10
_SCORE_GROUPS = 5
# Standard deviations by which clicks may be off by chance alone.
_DEVIATIONS = 3.7

Cells = Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Finding:
    """One comparison.

    Args:
        what: The scores, or the column.
        measure: What was measured.
        value: Its value.
        bound: The most that it may be; None if it is only told.
        note: What helps to understand it.
    """

    what: str
    measure: str
    value: float
    bound: float | None = None
    note: str = ""

    @property
    def alarms(self) -> bool:
        return self.bound is not None and not self.value <= self.bound


def scores_of(rows: Sequence[ServedRow], models: Mapping[int, ServedModel], declaration: Declaration) -> list[float]:
    """The score of each row by the model of the version that answered; NaN where that is not there any more."""
    found = [math.nan] * len(rows)
    for version, model in models.items():
        places = [place for place, row in enumerate(rows) if row.version == version]
        if not places:
            continue
        records = tf.constant([example(rows[place].cells, declaration) for place in places])
        for place, score in zip(places, model.scores(records).tolist(), strict=True):
            found[place] = score
    return found


def example(cells: Cells, declaration: Declaration) -> bytes:
    """A row as the evaluator reads it."""
    one = tf.train.Example()
    for name in declaration.serving_columns:
        one.features.feature[name].bytes_list.value.append(cells[name].encode())
    data: bytes = one.SerializeToString()
    return data


def score_findings(rows: Sequence[ServedRow], scores: Sequence[float], settings: ParitySettings) -> Iterator[Finding]:
    """How far the served scores are off the model's."""
    differences = np.array([abs(row.score - score) for row, score in zip(rows, scores, strict=True)])
    known = differences[~np.isnan(differences)]
    different = known > TOLERANCE
    worst = f"worst difference {known.max(initial=0.0):.2e}"
    if different.any():
        place = int(np.nanargmax(differences))
        worst += f": served {rows[place].score:.6g}, the model {scores[place]:.6g}, request {rows[place].request}"
    share = float(different.mean()) if len(known) else 0.0
    yield Finding("score", "share that differs", share, settings.parity_max_different, worst)
    if lost := len(rows) - len(known):
        yield Finding("score", "share not compared", lost / len(rows), None, "their versions are not there, or not told")


def input_findings(
    served: Sequence[ServedRow], trained: Sequence[Cells], declaration: Declaration, settings: ParitySettings
) -> Iterator[Finding]:
    """How far the served tokens, numbers and lengths of histories are off those that trained."""
    users = list({row.request: row.cells for row in served}.values())
    everyone = [row.cells for row in served]
    histories = {name for history in declaration.histories for name in history.columns}
    for column in declaration.columns:
        if column.side is None:
            continue
        rows = users if column.side == "user" else everyone
        now, before = [row[column.name] for row in rows], [row[column.name] for row in trained]
        groups = _numbers(before) if column.kind == "numeric" else _tokens(column.kind)
        yield _drift(column.name, "drift", now, before, groups, settings)
        if column.name in histories:
            yield _drift(column.name, "drift of lengths", now, before, _length, settings)


def oov_findings(
    served: Sequence[Cells], judged: Sequence[Cells], model: ServedModel, declaration: Declaration, settings: ParitySettings
) -> Iterator[Finding]:
    """Whether more tokens are out of vocabulary than among the rows that judged the model."""
    now, before = (_oov(rows, model, declaration) for rows in (served, judged))
    for column in now:
        note = f"of the judging rows {before[column]:.4f}"
        yield Finding(column, "out of vocabulary", now[column], before[column] + settings.parity_max_oov_rise, note)


def click_findings(
    scores: NDArray[np.float64],
    clicks: NDArray[np.float64],
    judged_scores: NDArray[np.float64],
    judged_clicks: NDArray[np.float64],
    settings: ParitySettings,
) -> Iterator[Finding]:
    """Whether users click as often as their scores say, beside the rows that judged the model."""
    edges = np.unique(np.quantile(judged_scores, np.linspace(0, 1, _SCORE_GROUPS + 1)[1:-1]))
    places, judged_places = np.searchsorted(edges, scores), np.searchsorted(edges, judged_scores)
    groups: list[tuple[str, NDArray[np.bool_], NDArray[np.bool_]]] = [
        ("all scores", np.full(len(scores), True), np.full(len(judged_scores), True))
    ]
    bounds = [0.0, *edges.tolist(), 1.0]
    for place in range(len(edges) + 1):
        title = f"scores {bounds[place]:.3f} to {bounds[place + 1]:.3f}"
        groups.append((title, places == place, judged_places == place))
    for title, here, there in groups:
        expected, judged_expected = scores[here].sum(), judged_scores[there].sum()
        if not expected or not judged_expected or not judged_clicks[there].sum():
            continue
        ratio, judged_ratio = clicks[here].sum() / expected, judged_clicks[there].sum() / judged_expected
        # What chance alone may do to sums of so few rows.
        noise = _DEVIATIONS * math.sqrt(
            (scores[here] * (1 - scores[here])).sum() / expected**2
            + (judged_scores[there] * (1 - judged_scores[there])).sum() / judged_expected**2
        )
        off = abs(ratio / judged_ratio - 1)
        note = f"{int(here.sum())} rows: click rate {clicks[here].mean():.4f}, by scores {scores[here].mean():.4f}; "
        note += f"of the judging rows {judged_clicks[there].mean():.4f}, {judged_scores[there].mean():.4f}"
        yield Finding(title, "clicks by scores, off", off, settings.parity_max_miscalibration + noise, note)


def _drift(
    name: str,
    measure: str,
    now: Sequence[str],
    before: Sequence[str],
    groups: Callable[[str], Iterable[str]],
    settings: ParitySettings,
) -> Finding:
    counts, others = (collections.Counter(group for cell in cells for group in groups(cell)) for cells in (now, before))
    size, other_size = counts.total(), others.total()
    if not size or not other_size:
        return Finding(name, measure, float(bool(size) != bool(other_size)), settings.parity_max_drift, "one side is empty")
    names = sorted({*counts, *others})
    shares, other_shares = (np.array([one[name] for name in names], float) for one in (counts, others))
    value = float(jensenshannon(shares, other_shares, base=2)) ** 2
    # A column of many rare tokens differs from sample to sample.
    bound = settings.parity_max_drift + divergence_noise(len(names), size, other_size)
    differing = shares / size - other_shares / other_size
    most = int(np.argmax(np.abs(differing)))
    note = f"{names[most]!r}: {shares[most] / size:.4f}, of the rows that trained {other_shares[most] / other_size:.4f}"
    return Finding(name, measure, 0.0 if math.isnan(value) else value, bound, note)


def _tokens(kind: str) -> Callable[[str], Iterable[str]]:
    if kind == "category":
        return lambda cell: [cell.strip()]
    if kind == "weighted_list":
        return lambda cell: [entry.rpartition(WEIGHT_SEPARATOR)[0].strip() for entry in _entries(cell)]
    return _entries


def _entries(cell: str) -> list[str]:
    return [entry.strip() for entry in cell.split(LIST_SEPARATOR) if entry.strip()]


def _length(cell: str) -> list[str]:
    length = len(_entries(cell))
    return [f"{max(least for least in _LENGTHS if least <= length)} and more entries"]


def _numbers(before: Sequence[str]) -> Callable[[str], Iterable[str]]:
    """Which of the groups of equal size among the rows that trained a number falls into."""
    numbers = [float(cell) for cell in before if cell.strip()]
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, _NUMERIC_GROUPS + 1)[1:-1])) if numbers else np.zeros(0)

    def group(cell: str) -> list[str]:
        if not cell.strip():
            return ["empty"]
        place = int(np.searchsorted(edges, float(cell)))
        return [f"above {edges[place - 1]:g}" if place else "the least"]

    return group


def _oov(rows: Sequence[Cells], model: ServedModel, declaration: Declaration) -> dict[str, float]:
    columns = list(vocabulary_of(declaration))
    tokens, oov = collections.Counter[str](), collections.Counter[str]()
    for features in model.features(tf.constant([example(cells, declaration) for cells in rows])):
        for column in columns:
            tokens[column] += int(np.sum(features[column] != PADDING_ID))
            oov[column] += int(np.sum(features[column] == OOV_ID))
    return {column: oov[column] / max(tokens[column], 1) for column in columns}
