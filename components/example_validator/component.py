"""ExampleValidator: holds a span's statistics to the schema and to the previous span's."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.data_bounds import DataBounds
from components.example_validator.executor import Executor


class ExampleValidatorSpec(ComponentSpec):
    """The inputs, outputs and parameters of ExampleValidator."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "bounds": ExecutionParameter(type=str),
        "judge_split": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "previous_statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics, optional=True, allow_empty=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {"anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies)}


class ExampleValidator(base_component.BaseComponent):
    """Finds anomalies in the statistics of tokens. It stops nothing: ValidationGate does.

    The schema is derived from the declaration. `report.txt` and `report.json` beside the anomalies hold every measure with
    its value, its bound and its verdict; `schema.pbtxt` is the schema that was used.

    Args:
        statistics: Channel of one ExampleStatistics, as TokenStatisticsGen writes it.
        previous_statistics: Channel of the ExampleStatistics to measure drift from, or of none: a cold start.
        bounds: The bounds.
        judge_split: The split that the model is judged by. The others' skew against it is measured.
        code_fingerprint: Changes whenever the code of the validation changes, to keep the cache honest.

    Outputs:
        anomalies: ExampleAnomalies of the same splits and span, in the layout of TFX's ExampleValidator. Custom properties:
            `severe` and `warnings` (how many findings), `cold_start` (0 or 1), `previous_span` (its name, empty on a cold
            start), `statistics_id` and `examples_id`.
    """

    SPEC_CLASS = ExampleValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        statistics: BaseChannel,
        previous_statistics: BaseChannel | None,
        bounds: DataBounds,
        judge_split: str = "eval",
        code_fingerprint: str = "",
    ) -> None:
        super().__init__(
            ExampleValidatorSpec(
                statistics=statistics,
                previous_statistics=previous_statistics,
                bounds=bounds.to_json(),
                judge_split=judge_split,
                code_fingerprint=code_fingerprint,
                anomalies=Channel(type=standard_artifacts.ExampleAnomalies),
            )
        )
