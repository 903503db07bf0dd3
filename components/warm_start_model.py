"""Resolves the model that a training starts from: the last one that was blessed on an earlier span."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver

from components.latest_blessed_model import blessings_by_model
from components.lineage import lineage, why_no_baseline
from components.properties import TAKEN_BACK, span_of, text

MODEL = "model"
BLESSING = "model_blessing"
DATASET = "dataset"

Artifacts = dict[str, list[types.Artifact]]


class LastBlessedOfEarlierSpan(resolver.ResolverStrategy):
    """Picks the newest blessed model that was judged on an earlier span than this run's rows are.

    Only an earlier one: a second run of the same day finds what the first one found, and is cached. Nor does a training
    start from a model that has seen rows which judge this run, or that is of other data or another declaration.

    Inputs: `model` and `model_blessing` (every one in the pipeline's context) and `dataset` (this run's rows). The same keys
    are returned; `model` and `model_blessing` are empty if there is no such model, and always for data without spans.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        if not input_dict[DATASET]:
            return None
        dataset = max(input_dict[DATASET], key=lambda one: one.id)
        blessings = blessings_by_model(input_dict[BLESSING])
        known = {model.id: lineage(store, model) for model in input_dict[MODEL] if model.id in blessings}
        earlier = [
            model
            for model in input_dict[MODEL]
            if model.id in known
            and span_of(known[model.id]) < span_of(dataset)
            and not text(model, TAKEN_BACK)
            and not why_no_baseline(known[model.id], dataset)
        ]
        last = sorted(earlier, key=lambda model: (span_of(known[model.id]), model.id))[-1:]
        return {MODEL: last, BLESSING: [blessings[model.id] for model in last], DATASET: [dataset]}
