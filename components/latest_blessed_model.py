"""Resolves the baseline of the change threshold: the model that was blessed last, before this run's own."""

from __future__ import annotations

from collections.abc import Iterable

import ml_metadata as mlmd
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver

from components.lineage import lineage, why_no_baseline
from components.properties import TAKEN_BACK, span_of, text

MODEL = "model"
BLESSING = "model_blessing"
CANDIDATE = "candidate"
PASSED_OVER = "passed_over"

Artifacts = dict[str, list[types.Artifact]]


class LatestBlessedBeforeCandidate(resolver.ResolverStrategy):
    """Picks the newest blessed model that is older than the run's own, among those that can be its measure.

    The run of a past day is compared with what was known by that day: with no model that was judged on a later one. No
    measure is a model that has trained on a row which judges this one, that reads other data or other columns, or that was
    taken back.

    TFX's LatestBlessedModelStrategy finds the run's own model as soon as that is blessed: a second run on unchanged data
    then compares it with itself and publishes it again. Here such a run resolves what the first one did, and is cached.

    Inputs: `model`, `passed_over` and `model_blessing` (every one in the pipeline's context, the first two of them models)
    and `candidate` (this run's model). The same keys are returned; `model` and `model_blessing` are empty if there is no
    such model. `passed_over` is the newest blessed model of no later day, if it is no measure: for the summary.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        candidates = input_dict[CANDIDATE]
        if not candidates:
            return None
        candidate = max(candidates, key=lambda model: model.id)
        blessings = blessings_by_model(input_dict[BLESSING])
        known = {model.id: lineage(store, model) for model in [*input_dict[MODEL], candidate]}
        own = known[candidate.id]
        blessed = sorted(
            (
                model
                for model in input_dict[MODEL]
                if model.id < candidate.id
                and model.id in blessings
                and span_of(known[model.id]) <= span_of(own)
                and not text(model, TAKEN_BACK)
            ),
            key=lambda model: (span_of(known[model.id]), model.id),
        )
        measures = [model for model in blessed if not why_no_baseline(known[model.id], own)]
        latest = measures[-1:]
        return {
            MODEL: latest,
            BLESSING: [blessings[model.id] for model in latest],
            PASSED_OVER: [model for model in blessed[-1:] if model not in latest],
            CANDIDATE: candidates,
        }


def blessings_by_model(blessings: Iterable[types.Artifact]) -> dict[int, types.Artifact]:
    """The blessings that bless, by their model's id."""
    return {
        blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY): blessing
        for blessing in blessings
        if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == constants.BLESSED_VALUE
    }
