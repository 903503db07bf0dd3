"""VocabularyValidator: stops the run if the vocabularies do not cover the data that the model is judged by."""

from __future__ import annotations

import os
from typing import Any, ClassVar

import tensorflow_transform as tft
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import BaseChannel, Channel, artifact_utils, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.validation.artifacts import VocabularyCoverage
from components.validation.data_bounds import DataBounds
from components.validation.oov_rate import by_vocabulary, measure_oov_rates, vocabulary_of, write_oov_rates
from components.validation.validation_gate import BadDataError
from transform.features import DECLARATION

OOV_RATE = "oov_rate"


class Executor(base_executor.BaseExecutor):
    """Measures the out-of-vocabulary rates, and raises if a column's is above its bound."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        bounds = DataBounds.from_json(exec_properties["bounds"])
        split = exec_properties["split"]
        uris = artifact_utils.get_split_uris(input_dict["transformed_examples"], split)
        transform_graph = artifact_utils.get_single_instance(input_dict["transform_graph"])
        feature_spec = tft.TFTransformOutput(transform_graph.uri).transformed_feature_spec()
        columns = measure_oov_rates([os.path.join(uri, "*") for uri in uris], feature_spec, DECLARATION)
        vocabularies = vocabulary_of(DECLARATION)
        broken = [
            f"  {name}: {rate.rate:.4f} of {rate.tokens} tokens, the bound {bound:.4f}"
            for name, rate in columns.items()
            if rate.rate > (bound := bounds.max_oov_rate_for(name, vocabularies[name]))
        ]
        if broken:
            raise BadDataError(
                "The share of a column's tokens that are out of vocabulary must hold its bound before anything is trained. "
                f"Received, in the {split} split:\n" + "\n".join(broken)
            )
        coverage = artifact_utils.get_single_instance(output_dict["coverage"])
        write_oov_rates(coverage.uri, columns, DECLARATION)
        for name, rate in columns.items():
            coverage.set_float_custom_property(f"{OOV_RATE}/{vocabularies[name]}/{name}", rate.rate)
        for name, rate in by_vocabulary(columns, DECLARATION).items():
            coverage.set_float_custom_property(f"{OOV_RATE}/{name}", rate.rate)


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
