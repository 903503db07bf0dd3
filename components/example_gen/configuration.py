"""What the example generator is told: TFX's execution properties, read."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format, struct_pb2
from tfx.components.example_gen import utils
from tfx.proto import example_gen_pb2
from tfx.types import standard_component_specs
from tfx.utils import proto_utils

from components.example_gen.encoding import Splits
from components.example_gen.settings import IngestionSettings

# The key of the settings in the custom configuration's Struct.
INGESTION = "ingestion"


def folders_of(exec_properties: Mapping[str, Any]) -> dict[str, str]:
    """The folder of each input split, relative to `input_base`. TFX has patterns here; the files are told by their names."""
    return {split.name: os.path.dirname(split.pattern) for split in _input(exec_properties).splits}


def splits_of(exec_properties: Mapping[str, Any]) -> dict[str, Splits]:
    """The output splits of each input split: itself, or those that the output configuration hashes it to.

    Raises:
        ValueError: Rows are to be hashed, and no feature is named to hash them by.
        RuntimeError: Several input splits are to be hashed, or TFX finds another contradiction.
    """
    inputs = _input(exec_properties)
    output = example_gen_pb2.Output()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.OUTPUT_CONFIG_KEY], output)
    names = tuple(utils.generate_output_split_names(inputs, output))
    hashed = output.split_config
    if not hashed.splits:
        return {name: Splits((name,)) for name in names}
    if not hashed.partition_feature_name:
        raise ValueError("`partition_feature_name` must name the column whose hash chooses the split. Received: ''.")
    buckets = tuple(split.hash_buckets for split in hashed.splits)
    return {inputs.splits[0].name: Splits(names, buckets, hashed.partition_feature_name)}


def settings_of(exec_properties: Mapping[str, Any]) -> IngestionSettings:
    """The settings in the custom configuration; the defaults where there are none.

    Raises:
        ValueError: A setting is unknown, or out of its bounds.
    """
    return IngestionSettings(**unpack(exec_properties.get(standard_component_specs.CUSTOM_CONFIG_KEY)).get(INGESTION, {}))


def pack(values: Mapping[str, Any]) -> example_gen_pb2.CustomConfig:
    """A custom configuration that holds these values, numbers as floats."""
    struct = struct_pb2.Struct()
    json_format.ParseDict(dict(values), struct)
    config = example_gen_pb2.CustomConfig()
    config.custom_config.Pack(struct)
    return config


def unpack(text: str | None) -> dict[str, Any]:
    """The values of a custom configuration that TFX has encoded; none if there is none."""
    if not text:
        return {}
    # TFX may have encoded the JSON a second time, as a JSON string.
    decoded = json.loads(text)
    config = example_gen_pb2.CustomConfig()
    proto_utils.json_to_proto(decoded if isinstance(decoded, str) else text, config)
    struct = struct_pb2.Struct()
    config.custom_config.Unpack(struct)
    values: dict[str, Any] = json_format.MessageToDict(struct)
    return values


def _input(exec_properties: Mapping[str, Any]) -> example_gen_pb2.Input:
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(exec_properties[standard_component_specs.INPUT_CONFIG_KEY], config)
    return config
