"""Renders the page of a report: data stay data, whatever they hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from components.report.words import filters

_TEMPLATES = Path(__file__).parent / "templates"


def render(values: Mapping[str, Any]) -> str:
    """The page. Texts are escaped unless they are `Markup`; what is not given is said to be missing.

    Args:
        values: What the template names.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.ChainableUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters())
    style = Markup((_TEMPLATES / "report.css").read_text(encoding="utf-8"))
    return environment.get_template("report.html.j2").render({**values, "style": style})
