"""ValidationGate: stops the run before anything is trained on a bad day."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import BaseChannel, Channel, artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components import artifacts
from components.example_validator.findings import REPORT_TEXT, read_report
from components.properties import EXAMPLES_ID, OF_SPAN, SPAN, copy_properties

_SHOWN = 5
_IDS = (artifacts.STATISTICS_ID, EXAMPLES_ID)


class BadDataError(ValueError):
    """A span's data is not fit to train on. The message names the features, the measures, the values and the bounds."""


class Executor(base_executor.BaseExecutor):
    """Raises if the validator has found anything severe; blesses the data otherwise."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        anomalies = artifact_utils.get_single_instance(input_dict["anomalies"])
        report = read_report(anomalies.uri)
        if report.severe:
            shown = "\n".join(f"  {finding}" for finding in report.severe[:_SHOWN])
            more = f"\n  and {len(report.severe) - _SHOWN} more" if len(report.severe) > _SHOWN else ""
            raise BadDataError(
                f"The data must hold its bounds before anything is trained on it. "
                f"{report.title}:\n{shown}{more}\nReport: {os.path.join(anomalies.uri, REPORT_TEXT)}"
            )
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        # It outlives the examples, and tells of them by itself.
        copy_properties(anomalies, blessing, OF_SPAN)
        blessing.set_int_custom_property(SPAN, anomalies.span)
        for name in _IDS:
            blessing.set_int_custom_property(name, anomalies.get_int_custom_property(name))


class ValidationGateSpec(ComponentSpec):
    """The inputs, outputs and parameters of ValidationGate."""

    PARAMETERS: ClassVar[dict[str, Any]] = {"code_fingerprint": ExecutionParameter(type=str)}
    INPUTS: ClassVar[dict[str, Any]] = {"anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies)}
    OUTPUTS: ClassVar[dict[str, Any]] = {"blessing": ChannelParameter(type=artifacts.DataBlessing)}


class ValidationGate(base_component.BaseComponent):
    """Fails the run if ExampleValidator has found anything severe. What trains must depend on its output.

    Args:
        anomalies: Channel of one ExampleAnomalies, as this package's ExampleValidator writes it.
        code_fingerprint: Changes whenever the code of the gate changes, to keep the cache honest.

    Outputs:
        blessing: DataBlessing of the span.
    """

    SPEC_CLASS = ValidationGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, anomalies: BaseChannel, code_fingerprint: str = "") -> None:
        super().__init__(
            ValidationGateSpec(
                anomalies=anomalies,
                code_fingerprint=code_fingerprint,
                blessing=Channel(type=artifacts.DataBlessing),
            )
        )
