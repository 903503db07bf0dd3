"""The rows of a run: which of them train the model, which tell when to stop, and which judge it."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.standard_artifacts import Examples

from components.dataset.executor import ANCHOR, EXAMPLES, GROUP, WINDOW, Executor


class DatasetSpec(component_spec.ComponentSpec):
    """The inputs, outputs and parameters of Dataset."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        GROUP: component_spec.ExecutionParameter(type=str),
        "code_fingerprint": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        WINDOW: component_spec.ChannelParameter(type=Examples, optional=True),
        ANCHOR: component_spec.ChannelParameter(type=Examples),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {EXAMPLES: component_spec.ChannelParameter(type=Examples)}


class Dataset(base_component.BaseComponent):
    """Chooses the rows that train and those that judge.

    With a window of earlier spans, all their rows train and all rows of the anchor judge: the model is asked for a span it
    could not have seen. Without one, the anchor's own `train` and `eval` splits do. Some clients' rows of the newest span
    that trains are held out as `validation`: training stops by them, so that the rows that judge are never looked at before.

    Args:
        window: Spans before the anchor, possibly none. None where nothing resolves them.
        anchor: This run's examples.
        group: The column of the clients.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest.

    Outputs:
        examples: Examples with the splits `train`, `validation` and `eval`. Custom properties: `LINEAGE` of
            `components.properties`; the names of spans are empty for data without spans.
    """

    SPEC_CLASS = DatasetSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, window: BaseChannel | None, anchor: BaseChannel, group: str, code_fingerprint: str = "") -> None:
        examples = Channel(type=Examples)
        super().__init__(
            DatasetSpec(window=window, anchor=anchor, group=group, examples=examples, code_fingerprint=code_fingerprint)
        )
