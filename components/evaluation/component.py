"""Evaluator: judges a model beside what was there and beside simple models."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation

from components.evaluation import executor
from components.evaluation.bounds import Bounds


class EvaluatorSpec(ComponentSpec):
    """The inputs, outputs and parameters of Evaluator."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.TRAIN_SPLIT: ExecutionParameter(type=str),
        executor.JUDGE_SPLIT: ExecutionParameter(type=str),
        executor.BOUNDS: ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        executor.EXAMPLES: ChannelParameter(type=Examples),
        executor.MODEL: ChannelParameter(type=Model),
        executor.BASELINE_MODEL: ChannelParameter(type=Model, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {
        executor.EVALUATION: ChannelParameter(type=ModelEvaluation),
        executor.BLESSING: ChannelParameter(type=ModelBlessing),
    }


class Evaluator(base_beam_component.BaseBeamComponent):
    """Measures a model, with intervals over clients, and holds it to bounds.

    TFX's own evaluator takes each row through Python several times, and can neither resample clients nor train a model to
    compare with. This one scores whole batches where they are read, sums up by client, and leaves the verdict to TFMA.

    Args:
        examples: Raw examples, of which one split trains the simple models and another judges all models.
        model: The model.
        baseline_model: The model to beat; none on the first run.
        train_split: The split that trains.
        judge_split: The split that judges.
        bounds: The bounds, and how they are measured.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest.

    Outputs:
        evaluation: ModelEvaluation in TFMA's format. Custom properties: `TRAIN_CLICK_RATE`, `TRAIN_ROWS` and
            `LOGISTIC_ROWS` of the executor's module.
        blessing: ModelBlessing with the custom properties of TFX's evaluator, and `FORCE` of
            `components.properties` if it was given although bounds do not hold.
    """

    SPEC_CLASS = EvaluatorSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(
        self,
        examples: BaseChannel,
        model: BaseChannel,
        baseline_model: BaseChannel,
        train_split: str,
        judge_split: str,
        bounds: Bounds,
        code_fingerprint: str = "",
    ) -> None:
        super().__init__(
            EvaluatorSpec(
                examples=examples,
                model=model,
                baseline_model=baseline_model,
                train_split=train_split,
                judge_split=judge_split,
                bounds=bounds.to_json(),
                code_fingerprint=code_fingerprint,
                evaluation=Channel(type=ModelEvaluation),
                blessing=Channel(type=ModelBlessing),
            )
        )
