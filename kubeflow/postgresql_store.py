"""ML Metadata's store on PostgreSQL, without two of its defects there (seen with 1.17.1).

- Any text with a backslash becomes broken SQL, and TFX's settings are JSON within JSON. So backslashes are replaced on the
  way in, and put back on the way out.
- Answers come in the order that the rows happen to lie in, which changes when one is updated. TFX pairs answers with what it
  has asked for by their places, and would take one output of a cached node for another. So answers are sorted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_metadata as mlmd
from google.protobuf import message
from google.protobuf.descriptor import FieldDescriptor
from ml_metadata.proto import metadata_store_pb2

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


class PostgresqlStore(mlmd.MetadataStore):
    """ML Metadata's store; every text goes through `escape` and `unescape`, and every answer is in order.

    What was asked for by ids comes in the order of the ids, anything else in the order of its own ids, but where the request
    asks for an order.
    """

    def _call_method(self, method_name: str, request: message.Message, response: message.Message) -> None:
        sent = type(request)()
        sent.CopyFrom(request)
        change_texts(sent, escape)
        super()._call_method(method_name, sent, response)
        change_texts(response, unescape)
        for field, ids in _NODES.items():
            if field in response.DESCRIPTOR.fields_by_name and not _asks_for_order(request):
                asked = getattr(request, ids) if ids in request.DESCRIPTOR.fields_by_name else ()
                _sort_nodes(getattr(response, field), list(asked))
        if _EVENTS in response.DESCRIPTOR.fields_by_name:
            getattr(response, _EVENTS).sort(key=_place_of_event)


# The lists of an answer, and the ids by which a request may ask for them.
_NODES = {"artifacts": "artifact_ids", "executions": "execution_ids", "contexts": "context_ids"}
_EVENTS = "events"


def _asks_for_order(request: message.Message) -> bool:
    return "options" in request.DESCRIPTOR.fields_by_name and request.HasField("options")


def _sort_nodes(nodes: Any, asked: list[int]) -> None:
    places = {node_id: place for place, node_id in enumerate(asked)}
    nodes.sort(key=lambda node: (places.get(node.id, 0), node.id))


def _place_of_event(event: metadata_store_pb2.Event) -> tuple[int, list[tuple[str, int]], int]:
    """By execution, then by the key and the index that the artifact has among its inputs or outputs."""
    return event.execution_id, [(step.key, step.index) for step in event.path.steps], event.artifact_id


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
