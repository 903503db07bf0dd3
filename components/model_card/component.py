"""ModelCard: writes down what a model is, before it is published."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types.channel import BaseChannel, Channel
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter
from tfx.types.standard_artifacts import Examples, Model, ModelBlessing, ModelEvaluation, Schema, TransformGraph

from components.artifacts import ModelCardDocument, VocabularyCoverage
from components.model_card import executor


class ModelCardSpec(ComponentSpec):
    """The inputs, outputs and parameters of ModelCard."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        executor.FINGERPRINTS: ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "model": ChannelParameter(type=Model),
        "dataset": ChannelParameter(type=Examples),
        "span": ChannelParameter(type=Examples),
        "window": ChannelParameter(type=Examples, optional=True),
        "schema": ChannelParameter(type=Schema),
        "transform_graph": ChannelParameter(type=TransformGraph),
        "coverage": ChannelParameter(type=VocabularyCoverage),
        "evaluation": ChannelParameter(type=ModelEvaluation),
        "blessing": ChannelParameter(type=ModelBlessing),
        "baseline_model": ChannelParameter(type=Model, optional=True),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {executor.CARD: ChannelParameter(type=ModelCardDocument)}


class ModelCard(base_component.BaseComponent):
    """Writes a model's card: what it was trained on and judged by, how good it is beside what, and where all of it lies.

    There is a card of every model, blessed or not; the pusher lays it into the version that it publishes.

    Args:
        model: The model.
        dataset: The rows that trained and that judge.
        span: The run's own span, with the counts of its rows.
        schema: The declaration's schema.
        transform_graph: The transform graph.
        coverage: What the vocabularies cover.
        evaluation: What the evaluator measured.
        blessing: The evaluator's verdict.
        fingerprints: Fingerprints of the code, by node.
        window: The spans that trained; none on the first run, and where nothing resolves them.
        baseline_model: The model to beat; there may be none.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest.

    Outputs:
        model_card: `components.artifacts.ModelCardDocument`, with the model's lineage.
    """

    SPEC_CLASS = ModelCardSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        model: BaseChannel,
        dataset: BaseChannel,
        span: BaseChannel,
        schema: BaseChannel,
        transform_graph: BaseChannel,
        coverage: BaseChannel,
        evaluation: BaseChannel,
        blessing: BaseChannel,
        fingerprints: Mapping[str, str],
        window: BaseChannel | None = None,
        baseline_model: BaseChannel | None = None,
        code_fingerprint: str = "",
    ) -> None:
        super().__init__(
            ModelCardSpec(
                model=model,
                dataset=dataset,
                span=span,
                window=window,
                schema=schema,
                transform_graph=transform_graph,
                coverage=coverage,
                evaluation=evaluation,
                blessing=blessing,
                baseline_model=baseline_model,
                fingerprints=json.dumps(dict(fingerprints), sort_keys=True),
                code_fingerprint=code_fingerprint,
                model_card=Channel(type=ModelCardDocument),
            )
        )
