"""Resolves the baseline of the change threshold: the model that was blessed last, before this run's own."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.components.evaluator import constants
from tfx.dsl.components.common import resolver

from components.lineage import judging_span

MODEL = "model"
BLESSING = "model_blessing"
CANDIDATE = "candidate"

Artifacts = dict[str, list[types.Artifact]]


class LatestBlessedBeforeCandidate(resolver.ResolverStrategy):
    """Picks the newest blessed model that is older than the run's own, among those judged on no later span.

    The run of a past day is compared with what was known by that day. TFX's LatestBlessedModelStrategy finds the run's own
    model as soon as that is blessed: a second run on unchanged data then compares it with itself and publishes it again.
    Here such a run resolves what the first run resolved, and is cached.

    Inputs: `model` and `model_blessing` (every one in the pipeline's context) and `candidate` (this run's model). The same
    keys are returned; `model` and `model_blessing` are empty if no model has been blessed yet.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        candidates = input_dict[CANDIDATE]
        if not candidates:
            return None
        candidate = max(artifact.id for artifact in candidates)
        blessings = {
            blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY): blessing
            for blessing in input_dict[BLESSING]
            if blessing.get_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY) == constants.BLESSED_VALUE
        }
        span = judging_span(store, candidate)
        blessed = {
            model: judged
            for model in input_dict[MODEL]
            if model.id < candidate and model.id in blessings and (judged := judging_span(store, model.id)) <= span
        }
        if not blessed:
            return {MODEL: [], BLESSING: [], CANDIDATE: candidates}
        latest = max(blessed, key=lambda model: (blessed[model], model.id))
        return {MODEL: [latest], BLESSING: [blessings[latest.id]], CANDIDATE: candidates}
