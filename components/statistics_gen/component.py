"""TokenStatisticsGen: TFX's StatisticsGen at the level of tokens."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.statistics_gen.executor import Executor


class TokenStatisticsGenSpec(ComponentSpec):
    """The inputs, outputs and parameters of TokenStatisticsGen."""

    PARAMETERS: ClassVar[dict[str, Any]] = {"code_fingerprint": ExecutionParameter(type=str)}
    INPUTS: ClassVar[dict[str, Any]] = {"examples": ChannelParameter(type=standard_artifacts.Examples)}
    OUTPUTS: ClassVar[dict[str, Any]] = {"statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics)}


class TokenStatisticsGen(base_beam_component.BaseBeamComponent):
    """Computes statistics of raw examples, in which '225,158' are two topics and not one string.

    Args:
        examples: Channel of one Examples artifact, as InteractionExampleGen writes it.
        code_fingerprint: Changes whenever the code of the statistics changes, to keep the cache honest.

    Outputs:
        statistics: ExampleStatistics of the same splits and span, in StatisticsGen's layout. The custom properties
            `OF_SPAN` (`components.properties`) are those of the examples, `examples_id` is their id.
    """

    SPEC_CLASS = TokenStatisticsGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, examples: BaseChannel, code_fingerprint: str = "") -> None:
        super().__init__(
            TokenStatisticsGenSpec(
                examples=examples,
                code_fingerprint=code_fingerprint,
                statistics=Channel(type=standard_artifacts.ExampleStatistics),
            )
        )
