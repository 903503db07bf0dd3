"""The executor of VocabularyValidator."""

from __future__ import annotations

import os
from typing import Any

import tensorflow_transform as tft
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.data_bounds import DataBounds
from components.validation_gate import BadDataError
from components.vocabulary_validator.oov_rate import by_vocabulary, measure_oov_rates, vocabulary_of, write_oov_rates
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
