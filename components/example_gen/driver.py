"""The driver of InteractionExampleGen: decides which span is ingested, when the pipeline runs."""

from __future__ import annotations

import os
from typing import Any

from tfx.components.example_gen import driver, utils
from tfx.orchestration.portable import data_types
from tfx.proto import example_gen_pb2
from tfx.proto.orchestration import driver_output_pb2
from tfx.types import standard_component_specs as keys
from tfx.utils import io_utils, proto_utils

from components.data_identity import BY_PATH, normalised
from components.example_gen.configuration import pack, unpack
from components.example_gen.spans import NEWEST, Source, find_source
from components.properties import DATA_NAME, DATA_ROOT, DECLARATION, SPAN_NAME, SPLIT_BY
from transform.features import DECLARATION as DECLARED

# The settings that choose a span, in the component's custom_config.
SPAN_SETTING = "span"
VERSION_SETTING = "version"
# And the one that names the data.
DATA_NAME_SETTING = "data_name"


class SpanDriver(driver.FileBasedDriver):
    """Resolves the asked-for span and version to files.

    Beyond TFX's driver it finds the data root's layout by itself, takes a span's re-exports for its versions, and forgets
    the question once it is answered: the newest span is the same execution, and cache entry, as that span by its name.
    The examples carry the custom properties `span`, `version`, `span_name`, `data_root`, `data_name`, `split_by` and
    `declaration`.
    """

    def resolve_exec_properties(
        self, exec_properties: dict[str, Any], pipeline_info: Any, component_info: Any
    ) -> dict[str, Any]:
        # One folder is one cache entry, however its path is written.
        exec_properties[keys.INPUT_BASE_KEY] = data_root = normalised(exec_properties[keys.INPUT_BASE_KEY])
        settings = unpack(exec_properties.get(keys.CUSTOM_CONFIG_KEY))
        data_name = settings.get(DATA_NAME_SETTING, BY_PATH)
        version = settings.pop(VERSION_SETTING, None)
        source = find_source(data_root, settings.pop(SPAN_SETTING, NEWEST), None if version is None else int(version))
        exec_properties[keys.CUSTOM_CONFIG_KEY] = proto_utils.proto_to_json(pack(settings))
        split = example_gen_pb2.Input.Split
        inputs = example_gen_pb2.Input(splits=[split(name=name, pattern=pattern) for name, pattern in source.patterns])
        exec_properties[keys.INPUT_CONFIG_KEY] = proto_utils.proto_to_json(inputs)
        if source.layout == "given splits":
            exec_properties[keys.OUTPUT_CONFIG_KEY] = proto_utils.proto_to_json(example_gen_pb2.Output())
        self._told = {
            SPAN_NAME: source.span_name,
            DATA_ROOT: data_root,
            DATA_NAME: "" if data_name == BY_PATH else data_name,
            SPLIT_BY: _split_by(exec_properties[keys.OUTPUT_CONFIG_KEY]),
            DECLARATION: DECLARED.fingerprint,
        }
        exec_properties[utils.SPAN_PROPERTY_NAME] = source.span
        exec_properties[utils.VERSION_PROPERTY_NAME] = source.version
        exec_properties[utils.FINGERPRINT_PROPERTY_NAME] = _fingerprint(data_root, source)
        return exec_properties

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        result = super().run(execution_info)
        for artifact in result.output_artifacts[keys.EXAMPLES_KEY].artifacts:
            for name, text in self._told.items():
                artifact.custom_properties[name].string_value = text
        return result


def _split_by(output_config: str) -> str:
    """How rows are split: `given`, or the column and the buckets, `client_id: train 4, eval 1`."""
    output = example_gen_pb2.Output()
    proto_utils.json_to_proto(output_config, output)
    buckets = ", ".join(f"{split.name} {split.hash_buckets}" for split in output.split_config.splits)
    return f"{output.split_config.partition_feature_name}: {buckets}" if buckets else "given"


def _fingerprint(data_root: str, source: Source) -> str:
    return "\n".join(
        io_utils.generate_fingerprint(name, os.path.join(data_root, pattern)) for name, pattern in source.patterns
    )
