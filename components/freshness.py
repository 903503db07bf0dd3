"""Keeps the run of a past day from publishing its model over a later day's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.dsl.components.common import resolver
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, component_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.standard_artifacts import Examples, InfraBlessing, PushedModel

from components.data_identity import of_same_data
from components.lineage import lineage
from components.properties import DATA_ROOT, EVAL_SPAN, TAKEN_BACK, number, span_of, text
from components.pusher.outcome import DESTINATION, PUSHED, REASON, VERSION
from serving.versions import is_version

PUSHED_MODEL = "pushed_model"
DATASET = "dataset"
BLESSING = "blessing"

Artifacts = dict[str, list[types.Artifact]]


class PublishedOnLaterSpan(resolver.ResolverStrategy):
    """Picks the newest published model of this run's data that was judged on a later span than this run's is.

    Only a version that is still there counts: one that was moved away, or taken back, is not published. Data without spans
    has no order in time, nor have the spans of different data: there nothing is later, and what is run last is published
    last.

    Inputs: `pushed_model` (every one of the pipeline) and `dataset` (this run's). The same keys are returned;
    `pushed_model` is empty if no later span has been published, so that the usual, newest run always resolves the same.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        if not input_dict[DATASET]:
            return None
        dataset = input_dict[DATASET][0]
        later = list(_later(store, dataset, input_dict[PUSHED_MODEL])) if text(dataset, EVAL_SPAN) else []
        newest = max(later, default=None, key=lambda item: (item[0], item[1].id))
        return {PUSHED_MODEL: [newest[1]] if newest else [], DATASET: [dataset]}


def _later(
    store: mlmd.MetadataStore, dataset: types.Artifact, pushed_models: list[types.Artifact]
) -> Iterator[tuple[int, types.Artifact]]:
    """The published models of later spans, each after the number of its span."""
    published = [pushed for pushed in pushed_models if number(pushed, PUSHED) and not text(pushed, TAKEN_BACK)]
    origins = [lineage(store, pushed) for pushed in published]
    same_data = {id(origin) for origin in of_same_data(dataset, origins)}
    for pushed, origin in zip(published, origins, strict=True):
        # Of what was published before models told of their data nothing but the span is known.
        of_this_data = id(origin) in same_data or not text(origin, DATA_ROOT)
        if of_this_data and span_of(origin) > span_of(dataset) and is_version(text(pushed, DESTINATION), fileio):
            yield span_of(origin), pushed


class Executor(base_executor.BaseExecutor):
    """Blesses unless a later span's model is published."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: dict[str, Any]) -> None:
        blessing = artifact_utils.get_single_instance(output_dict[BLESSING])
        later = input_dict.get(PUSHED_MODEL, [])
        blessing.set_int_custom_property("blessed", 0 if later else 1)
        for pushed in later:
            blessing.set_string_custom_property(REASON, f"version {text(pushed, VERSION)}, of a later span, is published")


class _Spec(component_spec.ComponentSpec):
    PARAMETERS: ClassVar[dict[str, Any]] = {"code_fingerprint": component_spec.ExecutionParameter(type=str)}
    INPUTS: ClassVar[dict[str, Any]] = {
        PUSHED_MODEL: component_spec.ChannelParameter(type=PushedModel, optional=True),
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
