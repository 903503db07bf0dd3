"""The JSON of REST Classify and Regress requests to tf.Examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tensorflow.core.example import example_pb2, feature_pb2

from serving.server.errors import ServingError, invalid_argument
from serving.server.json_input import signature_name
from serving.server.json_values import base64_value, describe, is_base64, json_type

_INT64 = range(-(2**63), 2**63)


def fill_request(document: Mapping[str, Any], request: Any) -> None:
    """Fills a ClassificationRequest or RegressionRequest from `examples`, `context` and `signature_name`.

    Raises:
        ServingError: INVALID_ARGUMENT, there are no examples, or a feature's value is not a number, a string, a bool or
            bytes, or its values are of several kinds.
    """
    request.model_spec.signature_name = signature_name(document)
    if "examples" not in document:
        raise _document_error(document, "When method is classify, key 'examples' is expected and was not found")
    examples = document["examples"]
    if not isinstance(examples, list):
        raise _document_error(document, "Expecting 'examples' value to be an list/array")
    if not examples:
        raise _document_error(document, "'examples' value is an empty array")
    if "context" in document:
        into = request.input.example_list_with_context
        _fill_example(document["context"], into.context)
    else:
        into = request.input.example_list
    for example in examples:
        _fill_example(example, into.examples.add())


def _fill_example(value: Any, example: example_pb2.Example) -> None:
    if not isinstance(value, dict):
        raise invalid_argument(f"Example must be JSON object but got JSON {json_type(value)}")
    for name, content in value.items():
        feature = _named_feature(example, name)
        for item in content if isinstance(content, list) else [content]:
            _add(item, name, feature)


def _named_feature(example: example_pb2.Example, name: str) -> feature_pb2.Feature:
    try:
        return example.features.feature[name]
    except (UnicodeEncodeError, ValueError) as error:
        raise invalid_argument("JSON Parse error: The surrogate pair in string is invalid.") from error


def _add(value: Any, name: str, feature: feature_pb2.Feature) -> None:
    kind, item = _kind_and_item(value, name)
    present = feature.WhichOneof("kind")
    if present not in (None, kind):
        raise invalid_argument(
            f"Unexpected element type in feature: {name} expecting type: {present.removesuffix('_list')}. "
            f"Received: {describe(value)}"
        )
    getattr(feature, kind).value.append(item)


def _kind_and_item(value: Any, name: str) -> tuple[str, Any]:
    if isinstance(value, bool):
        return "int64_list", int(value)
    if isinstance(value, int):
        if value not in _INT64:
            raise invalid_argument(f"Feature: {name} has uint64_t element. Only int64_t is supported.")
        return "int64_list", value
    if isinstance(value, float):
        return "float_list", value
    if isinstance(value, str):
        try:
            return "bytes_list", value.encode()
        except UnicodeEncodeError as error:
            raise invalid_argument("JSON Parse error: The surrogate pair in string is invalid.") from error
    if is_base64(value):
        return "bytes_list", base64_value(value)
    raise invalid_argument(f"Feature: {name} has element with unexpected JSON type: {json_type(value)}")


def _document_error(document: Mapping[str, Any], message: str) -> ServingError:
    return invalid_argument(f"JSON Value: {describe(document)} {message}")
