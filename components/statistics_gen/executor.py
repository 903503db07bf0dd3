"""The executor of TokenStatisticsGen."""

from __future__ import annotations

import os
from typing import Any

import apache_beam as beam
import pyarrow as pa
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx import types
from tfx.components.statistics_gen.stats_artifact_utils import BINARY_PB_BASENAME
from tfx.components.util import tfxio_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.types import artifact_utils, standard_component_specs

from components.properties import EXAMPLES_ID, OF_SPAN, copy_properties, span_of
from components.statistics_gen.tokens import split_batch
from transform.declaration import Declaration
from transform.features import DECLARATION
from transform.schema import raw_schema, token_schema

_DESCRIPTORS = ["TokenStatisticsGen"]
# Counts are exact for features of at most this many different tokens. Beyond, TFDV's sketch underestimates a count by no
# more than 1/10000 of all tokens.
_COUNTED_TOKENS = 10_000


class Executor(base_beam_executor.BaseBeamExecutor):
    """Computes TFDV's statistics of each split, as TFX's StatisticsGen does, after the cells are split into tokens."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        self._log_startup(input_dict, output_dict, exec_properties)
        examples = artifact_utils.get_single_instance(input_dict[standard_component_specs.EXAMPLES_KEY])
        outputs = output_dict[standard_component_specs.STATISTICS_KEY]
        statistics = artifact_utils.get_single_instance(outputs)
        statistics.split_names = examples.split_names
        statistics.span = span_of(examples)
        # The span stands, as the examples', among the custom properties, too.
        copy_properties(examples, statistics, OF_SPAN)
        statistics.set_int_custom_property(EXAMPLES_ID, examples.id)
        with self._make_beam_pipeline() as pipeline:
            for split in artifact_utils.decode_split_names(examples.split_names):
                source = tfxio_utils.get_split_tfxio([examples], split, _DESCRIPTORS, raw_schema(DECLARATION))
                path = os.path.join(artifact_utils.get_split_uri(outputs, split), BINARY_PB_BASENAME)
                _ = (
                    pipeline
                    | f"Read[{split}]" >> source.BeamSource()
                    | f"Statistics[{split}]" >> TokenStatistics(DECLARATION)
                    | f"Write[{split}]" >> tfdv.WriteStatisticsToBinaryFile(path)
                )


def token_options(declaration: Declaration) -> tfdv.StatsOptions:
    """What TFDV computes of tokens."""
    return tfdv.StatsOptions(
        schema=token_schema(declaration),
        # The sketches count in C++ by batch; the exact generator shuffles every token through Python.
        use_sketch_based_topk_uniques=True,
        num_top_values=20,
        num_quantiles_histogram_buckets=100,
        num_rank_histogram_buckets=_COUNTED_TOKENS,
    )


class TokenStatistics(beam.PTransform):
    """Batches of raw examples to one DatasetFeatureStatisticsList of their tokens.

    The group's values identify users: they are counted, and not named.

    Args:
        declaration: The declared columns.
    """

    def __init__(self, declaration: Declaration) -> None:
        super().__init__()
        self._declaration = declaration

    def expand(self, batches: beam.PCollection[pa.RecordBatch]) -> beam.PCollection:
        return (
            batches
            | "Split" >> beam.Map(split_batch, self._declaration).with_output_types(pa.RecordBatch)
            | "Statistics" >> tfdv.GenerateStatistics(token_options(self._declaration))
            | "Anonymous" >> beam.Map(_without_values_of, self._declaration.group)
        )


def _without_values_of(
    statistics: statistics_pb2.DatasetFeatureStatisticsList, column: str
) -> statistics_pb2.DatasetFeatureStatisticsList:
    anonymous = statistics_pb2.DatasetFeatureStatisticsList()
    anonymous.CopyFrom(statistics)
    for dataset in anonymous.datasets:
        for feature in dataset.features:
            if feature.path.step == [column]:
                feature.string_stats.ClearField("top_values")
                feature.string_stats.ClearField("rank_histogram")
    return anonymous
