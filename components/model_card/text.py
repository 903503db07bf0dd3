"""A model card for people, as Markdown."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from components.evaluation.checks import OTHERS
from components.evaluation.models import CANDIDATE

_METRICS = {
    "auc": "AUC",
    "gauc": "GAUC",
    "ndcg_at_10": "NDCG@10",
    "log_loss": "log loss",
    "normalized_entropy": "normalised entropy",
    "calibration": "calibration",
    "calibration_error": "calibration error",
}
NAMES = {CANDIDATE: "this model", **OTHERS}


def to_text(card: Mapping[str, Any]) -> str:
    """The card; what comes from data is kept from being read as Markdown or HTML."""
    return "\n".join(_lines(card)) + "\n"


def _lines(card: Mapping[str, Any]) -> Iterator[str]:
    data, verdict, metrics = card["data"], card["verdict"], card["metrics"]
    yield "# Model card"
    yield ""
    yield f"A Deep Interest Network. {_blessing(verdict)}"
    yield ""
    if verdict["forced"]:
        failed = ", ".join(verdict["failed_bounds"])
        yield f"**Published by force**: {plain(verdict['forced'])}. Bounds that do not hold: {failed}."
        yield ""
    yield "## Data"
    yield ""
    yield f"- Trained on {plain(', '.join(data['trained_on']) or 'data without spans')}: {data['train_rows']} rows; " + (
        f"{data['stopping_rows']} more told when to stop"
    )
    judged = plain(data["judged_on"] or "of the same data")
    yield f"- Judged by {plain(data['judged_by'])}, {judged}: {data['judging_rows']} rows"
    rates = [number(data[name]) for name in ("train_click_rate", "judging_click_rate")]
    yield f"- Click rate {rates[0]} of the rows that train, {rates[1]} of those that judge"
    yield f"- From {code(data['root'])}"
    yield ""
    yield from _table(
        ("span", "read", "used", "rejected", "by rule"),
        [
            (
                plain(one["span"] or "-"),
                str(one["rows_read"]),
                str(one["rows_used"]),
                str(one["rows_rejected"]),
                ", ".join(f"{rule} {count}" for rule, count in one["rejected_by_rule"].items()) or "-",
            )
            for one in data["spans"]
        ],
    )
    yield "## Quality"
    yield ""
    yield f"On {metrics['rows']} rows of {metrics['clients']} clients; GAUC and NDCG leave out {metrics['skipped_clients']}."
    yield ""
    names = list(metrics["models"])
    yield from _table(
        ("metric", *(NAMES.get(name, name) for name in names)),
        [(title, *(measure(metrics["models"][name].get(metric)) for name in names)) for metric, title in _METRICS.items()],
    )
    yield "## What it was held to"
    yield ""
    yield from _table(
        ("bound", "measured", "limit", "verdict"),
        [
            (
                one["title"],
                measure(one),
                f"{'at least' if one['end'] == 'lower' else 'at most'} {one['limit']:+.4f}",
                "holds" if one["holds"] else "FAILS",
            )
            for one in verdict["bounds"]
        ],
    )
    for title, values in (
        ("Settings", {f"{group}.{name}": value for group, of in card["settings"].items() for name, value in of.items()}),
        ("Code", card["code"]),
        ("Environment", card["environment"]),
    ):
        yield f"## {title}"
        yield ""
        yield from _table(("", ""), [(name, code(str(value))) for name, value in values.items()])
    yield "## Columns"
    yield ""
    yield from _table(
        ("column", "kind", "side"), [(plain(c["name"]), c["kind"], c["side"] or "-") for c in card["features"]["columns"]]
    )
    yield "## Lineage"
    yield ""
    yield from _table(
        ("as", "type", "id", "made", "folder"),
        [(one["as"], one["type"], str(one["id"]), moment(one["made"]), code(one["uri"])) for one in card["lineage"]],
    )


def _blessing(verdict: Mapping[str, Any]) -> str:
    if verdict["forced"]:
        return "Blessed by force: not all bounds hold."
    return "Blessed: all bounds hold." if verdict["blessed"] else "Not blessed."


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for cells in (header, ["---"] * len(header), *rows):
        yield f"| {' | '.join(cells)} |"
    yield ""


def number(value: float | None) -> str:
    """A measured number, or that there is none."""
    return "not measured" if value is None else f"{value:.4f}"


def measure(one: Mapping[str, float | None] | None) -> str:
    """A measured value with its interval."""
    if one is None or one["value"] is None:
        return "not measured"
    interval = "" if one["lower"] is None else f" [{one['lower']:.4f}, {one['upper']:.4f}]"
    return f"{one['value']:.4f}{interval}"


def moment(milliseconds: int) -> str:
    """A time, in UTC, or a dash if it is not known."""
    if not milliseconds:
        return "-"
    return f"{datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"


def plain(value: str) -> str:
    """A text without what Markdown or HTML would take for more than text."""
    return "".join(f"\\{sign}" if sign in "\\`*_{}[]<>()#+!|~" else " " if sign in "\r\n" else sign for sign in value)


def code(value: str) -> str:
    """A text as code, in one cell."""
    return f"`{value.replace('`', chr(39)).replace('|', '/').replace(chr(10), ' ')}`"
