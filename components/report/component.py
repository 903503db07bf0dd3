"""ModelReport: shows what a run came to."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import (
    ExampleAnomalies,
    Examples,
    ExampleStatistics,
    InfraBlessing,
    Model,
    ModelBlessing,
    ModelEvaluation,
    ModelRun,
    PushedModel,
)

from components.artifacts import ModelCardDocument, RunReport, VocabularyCoverage
from components.report import executor
from components.report.settings import ReportSettings
from components.report.sources import OF_RUN, PAST, SERVED

_KINDS = {
    "span": Examples,
    "statistics": ExampleStatistics,
    "anomalies": ExampleAnomalies,
    "dataset": Examples,
    "coverage": VocabularyCoverage,
    "model": Model,
    "model_run": ModelRun,
    "evaluation": ModelEvaluation,
    "blessing": ModelBlessing,
    "freshness": InfraBlessing,
    "served": InfraBlessing,
    "model_card": ModelCardDocument,
    "pushed_model": PushedModel,
    "past_examples": Examples,
    "past_statistics": ExampleStatistics,
    "past_anomalies": ExampleAnomalies,
    "past_model_cards": ModelCardDocument,
}


class ModelReportSpec(ComponentSpec):
    """The inputs, outputs and parameters of ModelReport."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.SETTINGS: ExecutionParameter(type=str),
        executor.JUDGE_SPLIT: ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        name: ChannelParameter(type=kind, optional=name in PAST | SERVED) for name, kind in _KINDS.items()
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {executor.REPORT: ChannelParameter(type=RunReport)}


class ModelReport(base_component.BaseComponent):
    """Makes the report of a run, whether its model was published or not; nothing waits for it.

    Args:
        channels: What the run has put out, by `components.report.sources.OF_RUN`; and what is known of earlier spans, by
            `PAST`, where something resolves it; and `SERVED`, where the model is served before.
        settings: What is shown.
        judge_split: The split that judges.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest.

    Outputs:
        report: `components.artifacts.RunReport`.
    """

    SPEC_CLASS = ModelReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        channels: dict[str, BaseChannel],
        settings: ReportSettings,
        judge_split: str,
        code_fingerprint: str = "",
    ) -> None:
        super().__init__(
            ModelReportSpec(
                **{name: channels.get(name) for name in (*OF_RUN, *PAST, *SERVED)},
                settings=settings.to_json(),
                judge_split=judge_split,
                code_fingerprint=code_fingerprint,
                report=Channel(type=RunReport),
            )
        )
