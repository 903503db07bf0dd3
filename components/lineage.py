"""What models and their likes tell of where they came from: by themselves, and the older ones by the metadata store."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx.types.standard_artifacts import Examples, Model

from components.data_identity import of_same_data
from components.declared import difference, same_declaration
from components.example_gen.spans import span_number
from components.properties import (
    DATA_NAME,
    DATA_ROOT,
    EVAL_SPAN,
    HELD_OUT_ROWS,
    JUDGED_BY,
    LINEAGE,
    SPLIT_BY,
    TRAIN_SPANS,
    AnyArtifact,
    copy_properties,
    span_of,
    text,
)

PIPELINE_RUN = "pipeline_run"


def lineage(store: mlmd.MetadataStore, artifact: AnyArtifact) -> AnyArtifact:
    """What holds the properties `LINEAGE` of an artifact: itself, or the dataset of its run.

    An artifact of a run before the models told by themselves is looked up, as long as its run's dataset is there. If nothing
    is known, the answer is an artifact without properties.
    """
    if text(artifact, JUDGED_BY):
        return artifact
    found = Model()
    runs = [context.id for context in store.get_contexts_by_artifact(artifact.id) if context.type == PIPELINE_RUN]
    if runs:
        # Later runs that have read the artifact hold it, too: the first one has made it.
        examples = [one for one in store.get_artifacts_by_context(min(runs)) if one.type == Examples.TYPE_NAME]
        for source in examples:
            if DATA_ROOT in source.custom_properties:
                copy_properties(source, found, (DATA_ROOT, DATA_NAME))
        for source in examples:
            if EVAL_SPAN in source.custom_properties:
                copy_properties(source, found, LINEAGE)
    return found


def why_no_baseline(model: AnyArtifact, candidate: AnyArtifact) -> str:
    """Why a model is no measure for another on the rows that judge that one, in words; empty if it is.

    Only what is known counts against it: of older models little is.

    Args:
        model: What `lineage` has found of the one.
        candidate: What it has found of the other.
    """
    if text(model, DATA_ROOT) and text(candidate, DATA_ROOT) and not of_same_data(candidate, [model]):
        return f"it is of other data, {text(model, DATA_NAME) or text(model, DATA_ROOT)}"
    if not same_declaration(model, candidate):
        return f"it is of another declaration: {difference(model, candidate)}"
    if trained_on_judging_rows(model, candidate):
        return "it was trained on rows that judge this one"
    return ""


def trained_on_judging_rows(model: AnyArtifact, candidate: AnyArtifact) -> bool:
    """Whether a model has seen, in training, a row that judges another model of the same data.

    A span that was ingested again counts as the same, whatever its rows. Two models that were both judged by the held-out
    rows of one span have trained on the same side of it, if it was split in the same way.
    """
    if span_of(candidate) not in _train_spans(model):
        return False
    both_held_out = text(model, JUDGED_BY) == text(candidate, JUDGED_BY) == HELD_OUT_ROWS
    split = {text(model, SPLIT_BY), text(candidate, SPLIT_BY)} - {""}
    return not (both_held_out and len(split) < 2)


def _train_spans(model: AnyArtifact) -> set[int]:
    """The numbers of the spans that a model was trained on; data without spans is the span 0."""
    if not text(model, JUDGED_BY):
        return set()
    return {span_number(name) or 0 for name in text(model, TRAIN_SPANS).split(",")}
