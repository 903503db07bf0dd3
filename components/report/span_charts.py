"""How the data went on, span by span: rows, what was rejected, the click rate, drift, new tokens, and the models."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio

from components.example_gen.reports import ROWS_READ, ROWS_REJECTED, ROWS_USED
from components.example_validator.findings import DATASET, read_report
from components.model_card.files import read_card
from components.properties import EVAL_SPAN, SPAN_NAME, AnyArtifact, number, span_of, text
from components.report.charts import ACCENT, GRID, MUTED, SECOND, axis, chart, rows
from components.report.sources import Sources
from components.vocabulary_validator.oov_rate import read_oov_rates
from transform.features import DECLARATION

_FLAT = "this run"


@dataclasses.dataclass
class SpanFacts:
    """What is known of a span; None where it is not.

    Args:
        name: Its name.
        read: Rows read.
        used: Rows used.
        rejected: Rows rejected.
        click_rate: The share of label 1.
        drift: The largest drift of a column from the span before, and that column.
        new_tokens: The largest share of tokens of a column that are new, and that column.
        oov: The largest share of a column's judging tokens that is out of vocabulary, and that column.
        auc: The model that it judged: AUC and its interval.
    """

    name: str
    read: int | None = None
    used: int | None = None
    rejected: int | None = None
    click_rate: float | None = None
    drift: tuple[float, str] | None = None
    new_tokens: tuple[float, str] | None = None
    oov: tuple[float, str] | None = None
    auc: Mapping[str, float] | None = None


def of_spans(sources: Sources) -> dict[str, Any]:
    """The spans, oldest first, and charts of them; of one span alone there is nothing to draw."""
    spans = read_spans(sources)
    drawn = [
        _rows(spans),
        _line(spans, "click_rate", "click rate", percent=True),
        _line(spans, "rejected_share", "rejected rows", percent=True),
        _largest(spans, "drift", "largest drift of a column"),
        _largest(spans, "new_tokens", "largest share of new tokens"),
        _largest(spans, "oov", "largest share out of vocabulary"),
        _auc(spans),
    ]
    return {"facts": spans, "charts": [one for one in drawn if one is not None] if len(spans) > 1 else []}


def read_spans(sources: Sources) -> list[SpanFacts]:
    """What the artifacts tell of the run's span and of those before it."""
    found: dict[int, SpanFacts] = {}

    def facts(artifact: AnyArtifact, name: str = SPAN_NAME) -> SpanFacts:
        return found.setdefault(span_of(artifact), SpanFacts(text(artifact, name) or _FLAT))

    for one in _all(sources, "past_examples", "span"):
        of = facts(one)
        of.read, of.used, of.rejected = (number(one, name) for name in (ROWS_READ, ROWS_USED, ROWS_REJECTED))
    for one in _all(sources, "past_statistics", "statistics"):
        facts(one).click_rate = click_rate(one.uri)
    for one in _all(sources, "past_anomalies", "anomalies"):
        of = facts(one)
        of.drift, of.new_tokens = (_worst(one.uri, measure) for measure in ("drift", "new_tokens"))
    for one in _all(sources, "past_model_cards", "model_card"):
        card = read_card(one.uri)
        if card is not None:
            of = facts(one, EVAL_SPAN)
            of.auc = card["metrics"]["models"].get("candidate", {}).get("auc")
            of.oov = max(((rate, column) for column, rate in card["data"]["out_of_vocabulary"].items()), default=None)
    run = sources.get("coverage") or ()
    if run and found and not sources.get("model_card"):
        rates = read_oov_rates(run[0].uri)
        found[max(found)].oov = max(((rate, column) for column, rate in rates.items()), default=None)
    return [found[span] for span in sorted(found)]


def _all(sources: Sources, *names: str) -> list[AnyArtifact]:
    return [artifact for name in names for artifact in sources.get(name) or ()]


def click_rate(uri: str) -> float | None:
    """The share of label 1 in the statistics of a span, all its splits; None if they do not tell."""
    clicks = total = 0.0
    for folder in sorted(fileio.glob(os.path.join(uri, "Split-*"))):
        proto = statistics_pb2.DatasetFeatureStatisticsList()
        with fileio.open(os.path.join(folder, "FeatureStats.pb"), "rb") as file:
            proto.ParseFromString(file.read())
        for feature in proto.datasets[0].features if proto.datasets else ():
            if DECLARATION.label in (feature.name, *feature.path.step):
                for bucket in feature.string_stats.rank_histogram.buckets:
                    total += bucket.sample_count
                    clicks += bucket.sample_count * (bucket.label == "1")
    return clicks / total if total else None


def _worst(uri: str, measure: str) -> tuple[float, str] | None:
    measured = [
        (finding.value, finding.feature)
        for finding in read_report(uri).findings
        if finding.measure == measure and finding.value is not None and finding.feature != DATASET
    ]
    return max(measured, default=None)


def _place() -> dict[str, Any]:
    return axis(
        "span", kind="ordinal", sort=None, axis={"labelAngle": -40, "labelFontSize": 10, "grid": False, "labelLimit": 90}
    )


def _rows(spans: Sequence[SpanFacts]) -> Markup:
    values = [
        {"span": one.name, "rows": value, "kind": kind}
        for one in spans
        for kind, value in (("used", one.used), ("rejected", one.rejected))
        if value is not None
    ]
    return chart(
        {
            **rows(values),
            "mark": {"type": "bar", "width": {"band": 0.7}},
            "encoding": {
                "x": _place(),
                "y": axis("rows", "rows", axis={"tickCount": 4, "format": "~s"}),
                "color": axis("kind", kind="nominal", scale={"domain": ["used", "rejected"], "range": [ACCENT, SECOND]}),
            },
        },
        "Rows by span",
        height=220,
    )


def _line(spans: Sequence[SpanFacts], field: str, title: str, percent: bool = False) -> Markup | None:
    values = []
    for one in spans:
        share = one.rejected / one.read if one.read and one.rejected is not None else None
        value = share if field == "rejected_share" else getattr(one, field)
        if value is not None and math.isfinite(value):
            values.append({"span": one.name, "value": round(value, 6)})
    return _drawn(values, title, "%" if percent else None)


def _largest(spans: Sequence[SpanFacts], field: str, title: str) -> Markup | None:
    found = [(one.name, getattr(one, field)) for one in spans]
    values = [{"span": name, "value": round(worst[0], 6), "column": worst[1]} for name, worst in found if worst is not None]
    return _drawn(values, title, "%" if field != "drift" else None)


def _drawn(values: list[dict[str, Any]], title: str, format: str | None) -> Markup | None:
    if len(values) < 2:
        return None
    top: dict[str, Any] = {} if any(row["value"] for row in values) else {"scale": {"domain": [0, 0.01]}}
    number_format: dict[str, Any] = {"format": ".1~%"} if format else {}
    return chart(
        {
            **rows(values),
            "mark": {"type": "line", "point": {"filled": True, "size": 32}, "color": ACCENT},
            "encoding": {"x": _place(), "y": axis("value", title, axis={"tickCount": 4, **number_format}, **top)},
        },
        f"{title} by span",
        height=220,
    )


def _auc(spans: Sequence[SpanFacts]) -> Markup | None:
    values = [{"span": one.name, **one.auc} for one in spans if one.auc and one.auc.get("value") is not None]
    if len(values) < 2:
        return None
    scale: dict[str, Any] = {"scale": {"zero": False}, "axis": {"tickCount": 4}}
    return chart(
        {
            **rows(values),
            "layer": [
                {
                    "mark": {"type": "rule", "color": GRID, "aria": False},
                    "encoding": {
                        "x": _place(),
                        "y": axis("lower", "AUC of the model it judged", **scale),
                        "y2": {"field": "upper"},
                    },
                },
                {"mark": {"type": "point", "color": ACCENT}, "encoding": {"x": _place(), "y": axis("value", **scale)}},
                {
                    "mark": {"type": "line", "color": MUTED, "strokeWidth": 1, "aria": False},
                    "encoding": {"x": _place(), "y": axis("value", **scale)},
                },
            ],
        },
        "AUC of the models, by the span that judged them",
        height=220,
    )
