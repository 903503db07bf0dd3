"""Charts of the scores: ROC, calibration, distribution."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from components.evaluation.models import BASELINE, CANDIDATE, CONSTANT, ITEMS, LOGISTIC
from components.evaluation.score_counts import ScoreCounts, bin_logits
from components.report.charts import ACCENT, GRID, MUTED, SECOND, THIRD, axis, chart, rows
from components.report.words import model_name

_COLOURS = {CANDIDATE: ACCENT, BASELINE: SECOND, LOGISTIC: THIRD, ITEMS: MUTED, CONSTANT: MUTED}
_DASHES: Mapping[str, list[int]] = {
    CANDIDATE: [1, 0],
    BASELINE: [6, 3],
    LOGISTIC: [2, 3],
    ITEMS: [8, 2, 2, 2],
    CONSTANT: [1, 4],
}
_CALIBRATION_POINTS, _SCORE_BINS = 12, 40
_ROC_TITLES = ("share of the others above it", "share of the clicked above it")


def of_scores(counts: ScoreCounts | None) -> dict[str, Markup] | None:
    """ROC, calibration, and the distribution of the scores; None if they were not counted."""
    if counts is None or CANDIDATE not in counts.models:
        return None
    return {"roc": _roc(counts), "calibration": _calibration(counts), "distribution": _distribution(counts)}


def _model_scale(names: Sequence[str]) -> dict[str, Any]:
    shown = [model_name(name) for name in names]
    colours, dashes = [_COLOURS.get(name, MUTED) for name in names], [_DASHES.get(name, [1, 0]) for name in names]
    legend = {"symbolType": "stroke", "symbolSize": 260}
    return {
        channel: axis("model", kind="nominal", sort=None, scale={"domain": shown, "range": look}, legend=legend)
        for channel, look in (("color", colours), ("strokeDash", dashes))
    }


def _roc(counts: ScoreCounts) -> Markup:
    names = [name for name in counts.models if name != CONSTANT]
    values = []
    for name in names:
        negatives, positives = counts.models[name][::-1].T
        if not negatives.sum() or not positives.sum():
            continue
        x = np.concatenate([[0], np.cumsum(negatives) / negatives.sum()])
        y = np.concatenate([[0], np.cumsum(positives) / positives.sum()])
        # A point a hundredth is as fine as the picture.
        keep = np.unique(
            np.concatenate(
                [np.searchsorted(x, np.linspace(0, 1, 101)), np.searchsorted(y, np.linspace(0, 1, 101)), [len(x) - 1]]
            ).clip(0, len(x) - 1)
        )
        values += [
            {"x": round(float(x[i]), 4), "y": round(float(y[i]), 4), "model": model_name(name), "order": n}
            for n, i in enumerate(keep)
        ]
    return chart(
        {
            "layer": [
                _diagonal(_ROC_TITLES),
                {
                    **rows(values),
                    "mark": {"type": "line", "aria": False},
                    "encoding": {
                        "x": axis("x", _ROC_TITLES[0], axis={"tickCount": 5}),
                        "y": axis("y", _ROC_TITLES[1], axis={"tickCount": 5}),
                        "order": axis("order"),
                        **_model_scale(names),
                    },
                },
            ]
        },
        "ROC curves of the models",
        height=310,
    )


def _diagonal(titles: tuple[str, str], top: float = 1.0) -> dict[str, Any]:
    return {
        **rows([{"x": 0, "y": 0}, {"x": top, "y": top}]),
        "mark": {"type": "line", "color": GRID, "strokeWidth": 1.2, "aria": False},
        "encoding": {
            "x": axis("x", titles[0], scale={"domain": [0, top]}),
            "y": axis("y", titles[1], scale={"domain": [0, top]}),
        },
    }


def _calibration(counts: ScoreCounts) -> Markup:
    names = [name for name in (CANDIDATE, BASELINE, LOGISTIC) if name in counts.models]
    values = [point for name in names for point in reliability(counts.models[name], model_name(name))]
    top = max([max(point["score"], point["upper"]) for point in values] or [1.0])
    domain: dict[str, Any] = {"scale": {"domain": [0, min(1.0, math.ceil(top * 10) / 10)]}, "axis": {"tickCount": 5}}
    whisker = {
        "transform": [{"filter": f"datum.model == '{model_name(CANDIDATE)}'"}],
        "mark": {"type": "rule", "strokeWidth": 1, "aria": False},
        "encoding": {
            "x": axis("score", "mean score", **domain),
            "y": axis("lower", "click rate", **domain),
            "y2": {"field": "upper"},
            "color": {"value": ACCENT},
        },
    }
    line = {
        "mark": {"type": "line", "point": {"filled": True, "size": 26}},
        "encoding": {
            "x": axis("score", "mean score", **domain),
            "y": axis("rate", "click rate", **domain),
            **_model_scale(names),
        },
    }
    diagonal = _diagonal(("mean score", "click rate"), domain["scale"]["domain"][1])
    return chart({"layer": [diagonal, {**rows(values), "layer": [whisker, line]}]}, "Click rate by mean score", height=310)


def reliability(counts: np.ndarray, name: str) -> list[dict[str, Any]]:
    """Groups of about as many rows, by score: their mean score, and their click rate within two standard errors."""
    total = counts.sum(axis=1)
    score = 1 / (1 + np.exp(-bin_logits()))
    group = np.minimum((np.cumsum(total) - total / 2) * _CALIBRATION_POINTS // max(total.sum(), 1), _CALIBRATION_POINTS - 1)
    points = []
    for number in np.unique(group[total > 0]):
        rows_of = total * (group == number)
        size, clicks = int(rows_of.sum()), int((counts[:, 1] * (group == number)).sum())
        rate = clicks / size
        error = 2 * math.sqrt(rate * (1 - rate) / size)
        points.append(
            {
                "model": name,
                "score": round(float((score * rows_of).sum() / size), 5),
                "rate": round(rate, 5),
                "lower": round(max(rate - error, 0), 5),
                "upper": round(min(rate + error, 1), 5),
                "rows": size,
            }
        )
    return points


def _distribution(counts: ScoreCounts) -> Markup:
    own = counts.models[CANDIDATE]
    score = 1 / (1 + np.exp(-bin_logits()))
    place = np.minimum((score * _SCORE_BINS).astype(int), _SCORE_BINS - 1)
    values = []
    for label, name in ((0, "not clicked"), (1, "clicked")):
        share = np.bincount(place, own[:, label], _SCORE_BINS) / max(own[:, label].sum(), 1)
        values += [
            {"score": (n + 0.5) / _SCORE_BINS, "share": round(float(one), 5), "label": name} for n, one in enumerate(share)
        ]
    return chart(
        {
            **rows(values),
            "mark": {"type": "area", "interpolate": "step", "line": True, "fillOpacity": 0.18, "aria": False},
            "encoding": {
                "x": axis("score", "score", scale={"domain": [0, 1]}, axis={"tickCount": 5}),
                "y": axis("share", "share of the label's rows", stack=None, axis={"format": "%", "tickCount": 4}),
                "color": axis(
                    "label", kind="nominal", scale={"domain": ["not clicked", "clicked"], "range": [MUTED, ACCENT]}
                ),
            },
        },
        "How the scores of clicked rows and of others are distributed",
        height=310,
    )
