"""VocabularyValidator: stops the run if the vocabularies do not cover the data that the model is judged by."""

from __future__ import annotations

from typing import Any, ClassVar

from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import BaseChannel, Channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import VocabularyCoverage
from components.data_bounds import DataBounds
from components.vocabulary_validator.executor import Executor


class VocabularyValidatorSpec(ComponentSpec):
    """The inputs, outputs and parameters of VocabularyValidator."""

    PARAMETERS: ClassVar[dict[str, Any]] = {
        "bounds": ExecutionParameter(type=str),
        "split": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {
        "transformed_examples": ChannelParameter(type=standard_artifacts.Examples),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
    }
    OUTPUTS: ClassVar[dict[str, Any]] = {"coverage": ChannelParameter(type=VocabularyCoverage)}


class VocabularyValidator(base_component.BaseComponent):
    """Measures which share of the tokens is out of vocabulary, and fails the run above the bounds.

    Args:
        transformed_examples: Channel of Transform's Examples, one or several.
        transform_graph: Channel of Transform's TransformGraph.
        bounds: The bounds; `max_oov_rate` and `max_oov_rate_of` are used.
        split: The split that is measured: the one that the model is judged by.
        code_fingerprint: Changes whenever the code of the measure changes, to keep the cache honest.

    Outputs:
        coverage: VocabularyCoverage with the rates as properties; `read_oov_rates` reads those of the columns.
    """

    SPEC_CLASS = VocabularyValidatorSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        transformed_examples: BaseChannel,
        transform_graph: BaseChannel,
        bounds: DataBounds,
        split: str = "eval",
        code_fingerprint: str = "",
    ) -> None:
        super().__init__(
            VocabularyValidatorSpec(
                transformed_examples=transformed_examples,
                transform_graph=transform_graph,
                bounds=bounds.to_json(),
                split=split,
                code_fingerprint=code_fingerprint,
                coverage=Channel(type=VocabularyCoverage),
            )
        )
