"""Settings as texts: in the environment, for make, as parameters on Kubeflow.

| type | text |
|---|---|
| numbers, truth values, texts | as they are: `0.01`, `true`, `newest` |
| lists | separated by commas: `128,64`; an empty one is `none` |
| values by name | `topic_id=0.5,act=0.1`; lists within them by bars: `client_type=0|1`; none of them is `none` |
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args, get_origin

from settings.catalogue import Entry
from settings.rules import mapping_values

NONE = "none"


def from_text(entry: Entry, text: str) -> Any:
    """What the text of a setting says; numbers stay texts, which the declaration reads."""
    annotation = entry.field.annotation
    values = mapping_values(annotation)
    if values is not None:
        return {} if text == NONE else dict(_pair(part, values) for part in text.split(","))
    if get_origin(annotation) is tuple:
        return () if text == NONE else tuple(part.strip() for part in text.split(","))
    return None if text == NONE and type(None) in get_args(annotation) else text


def to_text(value: Any) -> str:
    """The inverse of `from_text`."""
    if isinstance(value, Mapping):
        pairs = [f"{name}={'|'.join(one) if isinstance(one, tuple) else one}" for name, one in value.items()]
        return ",".join(pairs) or NONE
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or NONE
    if isinstance(value, bool):
        return str(value).lower()
    return NONE if value is None else str(value)


def _pair(text: str, values: Any) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name.strip(), tuple(value.split("|")) if get_origin(values) is tuple else value.strip()
