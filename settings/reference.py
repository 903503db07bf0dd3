"""Tables of settings, for documents."""

from __future__ import annotations

from collections import defaultdict

from settings.base import Settings
from settings.catalogue import Entry, catalogue
from settings.texts import to_text


def table(kind: type[Settings]) -> str:
    """The main settings of a configuration as Markdown, a table for each group."""
    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in catalogue(kind).values():
        if entry.main:
            groups[entry.title.removesuffix(".")].append(entry)
    lines = ["| setting | default | |", "|---|---|---|"]
    for title, entries in groups.items():
        lines.append(f"| **{title}** | | |")
        lines += [f"| `{entry.name.upper()}` | {_default(entry)} | {_first_sentence(entry.help)} |" for entry in entries]
    return "\n".join(lines) + "\n"


def _first_sentence(text: str) -> str:
    return text.split(". ")[0].removesuffix(".")


def _default(entry: Entry) -> str:
    return f"`{to_text(entry.default)}`"
