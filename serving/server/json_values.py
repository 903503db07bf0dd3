"""JSON values: parsing a body, describing a value, and bytes as {"b64": "..."}."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from serving.server.errors import invalid_argument

_LONGEST_VALUE = 256

_TYPES = {type(None): "Null", dict: "Object", list: "Array", str: "String", int: "Number", float: "Number"}


def parse(body: bytes) -> dict[str, Any]:
    """Parses a request's body. NaN, Infinity and -Infinity are numbers; what follows the object is ignored.

    Raises:
        ServingError: not JSON, nested too deeply, or not an object.
    """
    if not body:
        raise invalid_argument("JSON Parse error: The document is empty")
    try:
        text = body.decode("utf-8-sig").lstrip()
        document, _ = json.JSONDecoder(parse_float=_finite).raw_decode(text)
    except RecursionError as error:
        raise invalid_argument("JSON Parse error: nested too deeply") from error
    except json.JSONDecodeError as error:
        raise invalid_argument(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except ValueError as error:  # not UTF-8, or a number beyond a double
        raise invalid_argument(f"JSON Parse error: {error}") from error
    if not isinstance(document, dict):
        raise invalid_argument(f"JSON Value: {describe(document)} Is not object")
    return document


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("Number too big to be stored in double.")
    return number


def is_base64(value: Any) -> bool:
    """Whether a JSON value is bytes: {"b64": "..."}."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get("b64"), str)


def base64_value(value: Any) -> bytes:
    """The bytes of {"b64": "..."}; INVALID_ARGUMENT if it is not that."""
    if not is_base64(value):
        raise invalid_argument(f"JSON Value: {describe(value)} not formatted correctly for base64 data")
    text = value["b64"]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise invalid_argument("Unable to base64 decode") from error


def json_type(value: Any) -> str:
    """The name of a JSON value's type, as TensorFlow Serving's messages have it."""
    if isinstance(value, bool):
        return str(value)
    return _TYPES[type(value)]


def describe(value: Any) -> str:
    """A JSON value for a message, cut if it is long."""
    text = ""
    try:
        for piece in json.JSONEncoder().iterencode(value):
            text += piece
            if len(text) > _LONGEST_VALUE:
                return f"{text[:_LONGEST_VALUE]}..."
    except RecursionError:
        return f"{text[:_LONGEST_VALUE]}..."
    return text
