"""The URLs of the REST API: /v1/models/NAME[/versions/N|/labels/L][:predict|:classify|:regress|/metadata]."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote

from tensorflow_serving.apis import model_pb2

from serving.server.errors import invalid_argument

_WHICH = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_CALL = re.compile(rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<method>classify|regress|predict)", re.IGNORECASE)
_READ = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?:/(?P<method>metadata))?", re.IGNORECASE)


class Target(NamedTuple):
    """What a URL asks of which model."""

    spec: model_pb2.ModelSpec
    method: str


def parse(http_method: str, raw_path: str) -> Target:
    """Reads a URL.

    Args:
        http_method: GET or POST.
        raw_path: the path as it was sent, escapes included.

    Returns:
        The model, and `predict`, `classify`, `regress`, `metadata` or `status`.

    Raises:
        ServingError: INVALID_ARGUMENT, it is none of the API's URLs, or the version does not fit 64 bits.
    """
    match = {"POST": _CALL, "GET": _READ}[http_method].fullmatch(raw_path) if http_method in ("POST", "GET") else None
    if match is None:
        raise invalid_argument(f"Malformed request: {http_method} {raw_path}")
    if not match["name"]:
        raise invalid_argument("Missing model name in request.")
    spec = model_pb2.ModelSpec(name=_decoded("model name", match["name"]))
    if match["version"]:
        if int(match["version"]) >= 2**63:
            raise invalid_argument(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    if match["label"]:
        spec.version_label = _decoded("model version label", match["label"])
    return Target(spec, (match["method"] or "status").lower())


def _decoded(what: str, text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid_argument(f"Failed to decode {what}:{text}") from error
