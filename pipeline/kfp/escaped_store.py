"""A metadata store on PostgreSQL that takes backslashes.

ML Metadata (1.17 and 1.21) writes any text with a backslash as broken SQL to PostgreSQL, and TFX's settings are JSON within
JSON. So backslashes are replaced on the way in, and put back on the way out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_metadata as mlmd
from google.protobuf import message
from google.protobuf.descriptor import FieldDescriptor

# From Unicode's private use area, which texts hardly hold; one that does is replaced as well, so that nothing is lost.
_MARK = "\ue05c"
_BACKSLASH = f"{_MARK}b"
_LITERAL_MARK = f"{_MARK}m"


def escape(text: str) -> str:
    """The text without backslashes."""
    return text.replace(_MARK, _LITERAL_MARK).replace("\\", _BACKSLASH)


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return text.replace(_BACKSLASH, "\\").replace(_LITERAL_MARK, _MARK)


class EscapedStore(mlmd.MetadataStore):
    """ML Metadata's store; every text goes through `escape` and `unescape`."""

    def _call_method(self, method_name: str, request: message.Message, response: message.Message) -> None:
        sent = type(request)()
        sent.CopyFrom(request)
        change_texts(sent, escape)
        super()._call_method(method_name, sent, response)
        change_texts(response, unescape)


def change_texts(changed: message.Message, change: Callable[[str], str]) -> None:
    """Applies `change` to every text in a message, but for the keys of maps."""
    for field, value in changed.ListFields():
        of_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        kind = field.message_type.fields_by_name["value"] if of_map else field
        if kind.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value.values() if of_map else value if _repeated(field) else [value]:
                change_texts(inner, change)
        elif kind.type == FieldDescriptor.TYPE_STRING:
            _change_field(changed, field, value, change, of_map)


def _change_field(changed: message.Message, field: Any, value: Any, change: Callable[[str], str], of_map: bool) -> None:
    if of_map:
        for key in list(value):
            value[key] = change(value[key])
    elif _repeated(field):
        value[:] = [change(text) for text in value]
    else:
        setattr(changed, field.name, change(value))


def _repeated(field: Any) -> bool:
    return bool(field.is_repeated)
