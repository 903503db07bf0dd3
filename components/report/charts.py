"""Charts as inline SVG, drawn by Vega-Lite: no script is needed to see them, and colours follow the page."""

from __future__ import annotations

import json
import re
from typing import Any

import vl_convert
from markupsafe import Markup

# A chart's width, so that it fits a phone of 360 px with its margins.
WIDTH = 328
VEGA_LITE = "5.20"
# The page's colours, by their CSS names; models are told apart by dashes, too.
INK, MUTED, GRID, ACCENT, SECOND, THIRD = (
    f"var(--{name})" for name in ("ink", "muted", "grid", "accent", "second", "third")
)

_AXIS = {
    "domainColor": GRID,
    "gridColor": GRID,
    "gridWidth": 0.7,
    "labelColor": MUTED,
    "labelFontSize": 11,
    "labelFont": "sans-serif",
    "tickColor": GRID,
    "titleColor": MUTED,
    "titleFont": "sans-serif",
    "titleFontSize": 11,
    "titleFontWeight": "normal",
    "labelOverlap": True,
}
_CONFIG = {
    "background": None,
    "view": {"stroke": None},
    "axis": _AXIS,
    "legend": {
        "orient": "top",
        "direction": "horizontal",
        "labelColor": INK,
        "labelFont": "sans-serif",
        "labelFontSize": 11,
        "symbolStrokeWidth": 2,
        "title": None,
        "columns": 2,
        "columnPadding": 14,
        "labelLimit": 150,
        "padding": 0,
        "offset": 6,
    },
    "line": {"strokeWidth": 2, "strokeCap": "round"},
    "point": {"filled": True, "size": 42},
    "rule": {"strokeWidth": 2},
    "font": "sans-serif",
}
# Vega tells each mark to screen readers; browsers show a title on hovering.
_LABELLED = re.compile(r'(<(?:path|line|rect|text)\b[^>]*?aria-label="([^"]*)"[^>]*?)/>')


def chart(spec: dict[str, Any], description: str, height: int = 190, names: bool = False) -> Markup:
    """A chart as SVG.

    Args:
        spec: A Vega-Lite specification without sizes and colours of its own.
        description: What it shows, for who cannot see it.
        height: Its height in pixels, with axes.
        names: Whether an axis holds names, which need room.
    """
    whole = {
        "width": WIDTH,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        # Browsers' letters may be wider than those that were measured.
        "padding": {"left": 14 if names else 4, "right": 6, "top": 2, "bottom": 2},
        "config": _CONFIG,
        **spec,
    }
    svg = vl_convert.vegalite_to_svg(json.dumps(whole), vl_version=VEGA_LITE)
    svg = _LABELLED.sub(lambda found: f"{found[1]}><title>{found[2]}</title></{found[1][1:].split()[0]}>", svg)
    label = Markup.escape(description)
    return Markup(svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1))


def rows(values: list[dict[str, Any]]) -> dict[str, Any]:
    """Inline data."""
    return {"data": {"values": values}}


def axis(field: str, title: str | None = None, kind: str = "quantitative", **more: Any) -> dict[str, Any]:
    """A field on an axis."""
    return {"field": field, "type": kind, "title": title, **more}
