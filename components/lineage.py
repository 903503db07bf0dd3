"""What the metadata store knows of where an artifact came from."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx.types.standard_artifacts import Examples

from components.properties import EVAL_SPAN, SPAN

PIPELINE_RUN = "pipeline_run"
NO_SPAN = 0


def judging_span(store: mlmd.MetadataStore, artifact_id: int) -> int:
    """The number of the span that judged the run which an artifact came from.

    0 if the data has no spans, or the run had no dataset.
    """
    runs = [context.id for context in store.get_contexts_by_artifact(artifact_id) if context.type == PIPELINE_RUN]
    if not runs:
        return NO_SPAN
    # Later runs that have read the artifact hold it, too: the first one has made it.
    for artifact in store.get_artifacts_by_context(min(runs)):
        if artifact.type == Examples.TYPE_NAME and EVAL_SPAN in artifact.custom_properties:
            return int(artifact.custom_properties[SPAN].int_value)
    return NO_SPAN
