"""Settings in YAML files: flat, by name."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import yaml

from settings.base import Settings
from settings.catalogue import Entry, catalogue, flat

_WIDTH = 120


def read_file(path: Path) -> dict[str, Any]:
    """The values that a YAML file gives, by name; not checked.

    Raises:
        ValueError: There is no such file, or it is no YAML, or it holds no names with values.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"`CONFIG` must be a readable YAML file. Received: {path}: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise ValueError(f"`CONFIG` must hold settings as `name: value`. Received: {path}, which holds something else.")
    return content


def write_text(configuration: Settings) -> str:
    """The YAML text of a configuration: every setting with its help, its rule and its default as comments."""
    lines: list[str] = []
    title = ""
    values = flat(configuration)
    for name, entry in catalogue(type(configuration)).items():
        if entry.title != title:
            title = entry.title
            lines += ["", f"# ---- {title}"]
        lines += ["", *_comment(entry), f"{name}: {_scalar(values[name])}"]
    return "\n".join(lines[1:]) + "\n"


def _comment(entry: Entry) -> list[str]:
    told = f"{entry.help} Must be {entry.rule}; by default {_scalar(entry.default)}."
    return textwrap.wrap(told, _WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False)


def _scalar(value: Any) -> str:
    """A value in YAML's flow style, on one line."""
    plain = _plain(value)
    text = yaml.safe_dump(plain, default_flow_style=True, width=10_000, sort_keys=True)
    return text.removesuffix("...\n").strip()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, tuple | list) else value
