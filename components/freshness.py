"""Keeps the run of a past day from publishing its model over a later day's."""

from __future__ import annotations

from typing import Any, ClassVar

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.common import resolver
from tfx.types import artifact_utils, component_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.standard_artifacts import Examples, InfraBlessing, PushedModel

from components.lineage import judging_span
from components.properties import span_of

PUSHED = "pushed_model"
DATASET = "dataset"
BLESSING = "blessing"

Artifacts = dict[str, list[types.Artifact]]


class PublishedOnLaterSpan(resolver.ResolverStrategy):
    """Picks the newest published model that was judged on a later span than this run's is.

    Inputs: `pushed_model` (every one of the pipeline) and `dataset` (this run's). The same keys are returned;
    `pushed_model` is empty if no later span has been published, so that the usual, newest run always resolves the same.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        if not input_dict[DATASET]:
            return None
        dataset = input_dict[DATASET][0]
        later = [
            pushed
            for pushed in input_dict[PUSHED]
            if pushed.get_int_custom_property("pushed") and judging_span(store, pushed.id) > span_of(dataset)
        ]
        newest = max(later, key=lambda pushed: (judging_span(store, pushed.id), pushed.id), default=None)
        return {PUSHED: [newest] if newest else [], DATASET: [dataset]}


class Executor(base_executor.BaseExecutor):
    """Blesses unless a later span's model is published."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        blessing = artifact_utils.get_single_instance(output_dict[BLESSING])
        blessing.set_int_custom_property("blessed", 0 if input_dict.get(PUSHED) else 1)


class _Spec(component_spec.ComponentSpec):
    PARAMETERS: ClassVar[dict[str, Any]] = {"code_fingerprint": component_spec.ExecutionParameter(type=str)}
    INPUTS: ClassVar[dict[str, Any]] = {
        PUSHED: component_spec.ChannelParameter(type=PushedModel, optional=True),
        DATASET: component_spec.ChannelParameter(type=Examples),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {BLESSING: component_spec.ChannelParameter(type=InfraBlessing)}


class Freshness(base_component.BaseComponent):
    """Tells the pusher whether this run's model may take the place of the published one.

    Args:
        pushed_model: What `PublishedOnLaterSpan` has resolved. None where nothing resolves it: then always blessed.
        dataset: This run's dataset.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest.

    Outputs:
        blessing: An InfraBlessing, the pusher's second condition: not blessed if a model of a later span is published.
    """

    SPEC_CLASS = _Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, pushed_model: BaseChannel | None, dataset: BaseChannel, code_fingerprint: str = "") -> None:
        blessing = Channel(type=InfraBlessing)
        super().__init__(
            _Spec(pushed_model=pushed_model, dataset=dataset, blessing=blessing, code_fingerprint=code_fingerprint)
        )
