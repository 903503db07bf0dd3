"""Charts of the model: its metrics beside other models, its training, and what its features are worth."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from components.evaluation.metrics import AUC, GAUC, LOG_LOSS, SliceMetrics
from components.evaluation.models import CANDIDATE
from components.evaluation.sums import OVERALL
from components.evaluation.verdict import Evaluation
from components.report.charts import ACCENT, GRID, MUTED, SECOND, axis, chart, rows
from components.report.importance import Importance
from components.report.words import model_name

_TITLES = {AUC: "AUC", GAUC: "GAUC", LOG_LOSS: "log loss"}


def of_quality(evaluation: Evaluation) -> dict[str, Any]:
    """Intervals of all models, and of the slices."""
    overall = evaluation.overall
    slices = {key: of for key, of in sorted(evaluation.metrics.items()) if key != OVERALL}
    return {
        "models": {title: _intervals_by_model(overall, metric, title) for metric, title in _TITLES.items()},
        "slices": [_intervals_by_slice(slices, metric, title) for metric, title in ((AUC, "AUC"), (GAUC, "GAUC")) if slices],
        "slice_rows": slices,
    }


def _intervals_by_model(metrics: SliceMetrics, metric: str, title: str) -> Markup:
    values = [
        {
            "model": model_name(name),
            "value": of[metric].value,
            "lower": of[metric].lower,
            "upper": of[metric].upper,
            "own": name == CANDIDATE,
        }
        for name, of in metrics.models.items()
        if math.isfinite(of[metric].value)
    ]
    return chart(
        {**rows(_plain(values)), "layer": _whiskers("model", title)},
        f"{title} of each model, with its interval",
        height=46 + 24 * max(len(values), 1),
        names=True,
    )


def _intervals_by_slice(slices: Mapping[tuple[str, str], SliceMetrics], metric: str, title: str) -> Markup:
    values = []
    for (column, value), of in slices.items():
        one = of.models[CANDIDATE][metric]
        if math.isfinite(one.value):
            name = f"{column} {value}"
            values.append({"model": name, "value": one.value, "lower": one.lower, "upper": one.upper, "own": True})
    return chart(
        {**rows(_plain(values)), "layer": _whiskers("model", title)},
        f"{title} of this model by slice, with its interval",
        height=46 + 18 * max(len(values), 1),
        names=True,
    )


def _whiskers(field: str, title: str) -> list[dict[str, Any]]:
    place = {
        "field": field,
        "type": "nominal",
        "sort": None,
        "title": None,
        "axis": {"labelLimit": 140, "ticks": False, "domain": False},
    }
    colour = {"condition": {"test": "datum.own", "value": ACCENT}, "value": MUTED}
    scale: dict[str, Any] = {"scale": {"zero": False}, "axis": {"tickCount": 4}}
    return [
        {
            "mark": {"type": "rule", "aria": False},
            "encoding": {"y": place, "x": axis("lower", title, **scale), "x2": {"field": "upper"}, "color": colour},
        },
        {"mark": {"type": "point"}, "encoding": {"y": place, "x": axis("value", title, **scale), "color": colour}},
    ]


def of_training(history: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Log loss and AUC by epoch, of the rows that train and of those that tell when to stop; None if nothing tells."""
    if not history or not history["epochs"]:
        return None
    charts = [
        _by_epoch(history, metric, title)
        for metric, title in (("log_loss", "log loss"), ("auc", "AUC"))
        if f"val_{metric}" in history["epochs"][0]
    ]
    return {"charts": charts, "best": history["best_epoch"], "epochs": history["epochs"]}


def _by_epoch(history: Mapping[str, Any], metric: str, title: str) -> Markup:
    values = [
        {"epoch": one["epoch"], "value": round(one[key], 5), "rows": name}
        for one in history["epochs"]
        for key, name in ((metric, "training rows"), (f"val_{metric}", "held-out rows"))
    ]
    ticks: dict[str, Any] = {"axis": {"tickMinStep": 1, "format": "d", "grid": False}}
    best = {
        **rows([{"epoch": history["best_epoch"]}]),
        "mark": {"type": "rule", "color": GRID, "strokeDash": [3, 3], "strokeWidth": 1.5, "aria": False},
        "encoding": {"x": axis("epoch", "epoch", **ticks)},
    }
    line = {
        **rows(values),
        "mark": {"type": "line", "point": {"filled": True, "size": 30}},
        "encoding": {
            "x": axis("epoch", "epoch", scale={"zero": False, "nice": False}, **ticks),
            "y": axis("value", title, scale={"zero": False}, axis={"tickCount": 4}),
            "color": axis(
                "rows", kind="nominal", scale={"domain": ["training rows", "held-out rows"], "range": [MUTED, ACCENT]}
            ),
        },
    }
    return chart({"layer": [best, line]}, f"{title} by epoch", height=210)


def of_importance(worth: Sequence[Importance]) -> list[Markup]:
    """How much worse the model is without each feature."""
    order = [one.feature for one in worth]
    charts = []
    for metric, title in (("log_loss", "log loss rises by"), ("auc", "AUC falls by"), ("gauc", "GAUC falls by")):
        values = [
            {"feature": one.feature, "value": round(getattr(one, metric), 5), "side": one.side}
            for one in worth
            if math.isfinite(getattr(one, metric))
        ]
        if values:
            charts.append(
                chart(
                    {
                        **rows(values),
                        "mark": {"type": "bar", "height": {"band": 0.6}},
                        "encoding": {
                            "y": axis(
                                "feature",
                                kind="nominal",
                                sort=order,
                                axis={"labelLimit": 120, "ticks": False, "domain": False},
                            ),
                            "x": axis("value", title, axis={"tickCount": 4}),
                            "color": axis(
                                "side", kind="nominal", scale={"domain": ["user", "item"], "range": [ACCENT, SECOND]}
                            ),
                        },
                    },
                    f"{title}, by feature",
                    height=70 + 22 * len(values),
                    names=True,
                )
            )
    return charts


def _plain(values: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: None if isinstance(one, float) and math.isnan(one) else one for name, one in row.items()} for row in values
    ]
