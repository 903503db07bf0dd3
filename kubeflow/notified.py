"""What the webhook was told of a run, kept in the metadata store: a report that is made again tells nothing again.

It is written after the webhook has answered. A report that is killed between the two tells once more, with the same `id`.
"""

from __future__ import annotations

import ml_metadata as mlmd
from ml_metadata.proto import metadata_store_pb2

TYPE = "pipeline_notification"
_OUTCOME = "outcome"


def told(store: mlmd.MetadataStore, pipeline: str, run_id: str) -> str:
    """The outcome that the webhook was told last; empty if it was told nothing of the run."""
    context = store.get_context_by_type_and_name(TYPE, _name(pipeline, run_id))
    return "" if context is None else str(context.properties[_OUTCOME].string_value)


def remember(store: mlmd.MetadataStore, pipeline: str, run_id: str, outcome: str) -> None:
    """Keeps the outcome that the webhook was told."""
    type_id = store.put_context_type(
        metadata_store_pb2.ContextType(name=TYPE, properties={_OUTCOME: metadata_store_pb2.STRING})
    )
    context = metadata_store_pb2.Context(type_id=type_id, name=_name(pipeline, run_id))
    existing = store.get_context_by_type_and_name(TYPE, context.name)
    if existing is not None:
        context.id = existing.id
    context.properties[_OUTCOME].string_value = outcome
    store.put_contexts([context])


def _name(pipeline: str, run_id: str) -> str:
    return f"{pipeline}.{run_id}"
