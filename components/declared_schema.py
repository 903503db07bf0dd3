"""The declaration's schema as a node: its text is a parameter, so that no path must be the same everywhere."""

from __future__ import annotations

import os
from typing import Any, ClassVar

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.dsl.components.base import base_component, base_executor, executor_spec
from tfx.types import artifact_utils, component_spec
from tfx.types.channel import Channel
from tfx.types.standard_artifacts import Schema
from tfx.utils import io_utils

SCHEMA = "schema"
TEXT = "text"
FILE = "schema.pbtxt"


class Executor(base_executor.BaseExecutor):
    """Writes the text where TFX's nodes look for a schema."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        uri = artifact_utils.get_single_uri(output_dict[SCHEMA])
        io_utils.write_string_file(os.path.join(uri, FILE), exec_properties[TEXT])


class _Spec(component_spec.ComponentSpec):
    PARAMETERS: ClassVar[dict[str, Any]] = {
        TEXT: component_spec.ExecutionParameter(type=str),
        "code_fingerprint": component_spec.ExecutionParameter(type=str),
    }
    INPUTS: ClassVar[dict[str, Any]] = {}
    OUTPUTS: ClassVar[dict[str, Any]] = {SCHEMA: component_spec.ChannelParameter(type=Schema)}


class DeclaredSchema(base_component.BaseComponent):
    """Puts out a schema.

    TFX's ImportSchemaGen takes a path, and its cache does not see that the file's content has changed.

    Args:
        text: The schema, as a text proto.
        code_fingerprint: Changes whenever this component's code changes, to keep the cache honest.

    Outputs:
        schema: The Schema.

    Raises:
        google.protobuf.text_format.ParseError: The text is no schema.
    """

    SPEC_CLASS = _Spec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(self, text: str, code_fingerprint: str = "") -> None:
        text_format.Parse(text, schema_pb2.Schema())
        super().__init__(_Spec(text=text, code_fingerprint=code_fingerprint, schema=Channel(type=Schema)))
