"""REST's JSON to arrays, and answers to JSON."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import classification_pb2

from serving.server import json_examples, json_input, json_output, json_values
from serving.server.errors import ServingError


def infos(**dtypes: int) -> dict[str, meta_graph_pb2.TensorInfo]:
    return {name: meta_graph_pb2.TensorInfo(dtype=dtype) for name, dtype in dtypes.items()}


FLOAT = infos(x=types_pb2.DT_FLOAT)
TWO = infos(a=types_pb2.DT_INT32, b=types_pb2.DT_STRING)


def test_rows_become_one_array_per_input() -> None:
    document = json_values.parse(b'{"instances": [{"a": [1, 2], "b": "x"}, {"b": {"b64": "/w=="}, "a": [3, 4]}]}')
    arrays, in_rows = json_input.predict_inputs(document, TWO)
    assert in_rows
    np.testing.assert_array_equal(arrays["a"], np.array([[1, 2], [3, 4]], np.int32))
    assert arrays["b"].tolist() == [b"x", b"\xff"]


def test_columns_keep_their_shape() -> None:
    document = json_values.parse(b'{"inputs": {"a": [[1], [2]], "b": "x"}}')
    arrays, in_rows = json_input.predict_inputs(document, TWO)
    assert not in_rows
    assert arrays["a"].shape == (2, 1)
    assert arrays["b"].shape == ()


@pytest.mark.parametrize("key", ["instances", "inputs"])
def test_a_single_input_needs_no_name(key: str) -> None:
    arrays, _ = json_input.predict_inputs({key: [1, 2.5]}, FLOAT)
    np.testing.assert_array_equal(arrays["x"], np.array([1, 2.5], np.float32))


def test_numbers_that_are_not_finite_pass_as_in_tensorflow_serving() -> None:
    document = json_values.parse(b'{"inputs": [NaN, Infinity, -Infinity]}')
    arrays, _ = json_input.predict_inputs(document, FLOAT)
    np.testing.assert_array_equal(arrays["x"], np.array([np.nan, np.inf, -np.inf], np.float32))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "The document is empty"),
        (b"[1]", "Is not object"),
        (b'{"inputs": [1,}', "JSON Parse error: .* at offset: "),
        (b'{"inputs": "\xff"}', "JSON Parse error"),
        (b'{"inputs": 1e999}', "too big to be stored in double"),
        (b'{"inputs": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"inputs": ' + b"1" * 10_000 + b"}", "JSON Parse error"),
        (b"{}", "Missing 'inputs' or 'instances' key"),
        (b'{"inputs": [1], "instances": [1]}', "only one of"),
        (b'{"instances": 1}', "to be an list/array"),
        (b'{"instances": []}', "No values in 'instances'"),
        (b'{"instances": [1, [2]]}', "Expecting shape \\[\\] but got: \\[1\\]"),
        (
            b'{"instances": [[1, 2], [3]]}',
            "element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 2 but",
        ),
        (b'{"instances": [{"x": 1}, 2]}', "Expecting object but got list at item 1"),
        (b'{"instances": [1, {"x": 2}]}', "Expecting value/list but got object at item 1"),
        (b'{"instances": [{"y": 1}]}', "does not have named input: y"),
        (b'{"inputs": {"y": 1}}', "does not have named input: y"),
        (b'{"inputs": [[1, 2], [3]]}', "unexpected size: 1 at level: 1 expected size: 2"),
        (b'{"inputs": [1, [2]]}', "unexpected level: 1"),
        (b'{"inputs": [[1], 2]}', "found at incorrect level: 2"),
        (b'{"inputs": ["1"]}', 'JSON Value: "1" Type: String is not of expected type: float'),
        (b'{"inputs": [true]}', "Type: True is not of expected type: float"),
        (b'{"inputs": [null]}', "Type: Null is not of expected type: float"),
        (b'{"inputs": [1e300]}', "is not of expected type: float"),
        (b'{"inputs": [' + b"9" * 400 + b"]}", "is not of expected type: float"),
    ],
)
def test_json_that_is_not_the_input_says_why(body: bytes, message: str) -> None:
    with pytest.raises(ServingError, match=message) as caught:
        json_input.predict_inputs(json_values.parse(body), FLOAT)
    assert caught.value.http_status == 400


@pytest.mark.parametrize(
    ("value", "dtype", "message"),
    [
        (1.0, types_pb2.DT_INT32, "expected type: int32"),
        (2**31, types_pb2.DT_INT32, "expected type: int32"),
        (-1, types_pb2.DT_UINT8, "expected type: uint8"),
        (1, types_pb2.DT_BOOL, "expected type: bool"),
        (1, types_pb2.DT_STRING, "expected type: string"),
        ({"b64": "%"}, types_pb2.DT_STRING, "Unable to base64 decode"),
        ({"b65": ""}, types_pb2.DT_STRING, "not formatted correctly for base64"),
        ("\ud800", types_pb2.DT_STRING, "surrogate pair"),
        (1, types_pb2.DT_HALF, "to type: half"),
    ],
)
def test_values_of_another_kind_are_refused(value: object, dtype: int, message: str) -> None:
    with pytest.raises(ServingError, match=message):
        json_input.predict_inputs({"inputs": {"x": value, "y": 1}}, infos(x=dtype, y=types_pb2.DT_INT32))


def test_a_plain_list_cannot_fill_two_inputs() -> None:
    for key in ("instances", "inputs"):
        with pytest.raises(ServingError, match="multiple input tensors required"):
            json_input.predict_inputs({key: [1]}, TWO)


def test_examples_take_their_kind_from_the_json() -> None:
    request = classification_pb2.ClassificationRequest()
    example = b'{"f": 1.5, "i": [1, true], "s": ["a", {"b64": "/w=="}]}'
    body = b'{"signature_name": "s", "context": {"c": 1}, "examples": [%s]}' % example
    json_examples.fill_request(json_values.parse(body), request)
    found = request.input.example_list_with_context
    assert request.model_spec.signature_name == "s"
    assert list(found.context.features.feature["c"].int64_list.value) == [1]
    features = found.examples[0].features.feature
    assert list(features["f"].float_list.value) == [1.5]
    assert list(features["i"].int64_list.value) == [1, 1]
    assert list(features["s"].bytes_list.value) == [b"a", b"\xff"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "key 'examples' is expected"),
        ({"examples": {}}, "to be an list/array"),
        ({"examples": []}, "is an empty array"),
        ({"examples": [1]}, "must be JSON object but got JSON Number"),
        ({"examples": [{"x": None}]}, "unexpected JSON type: Null"),
        ({"examples": [{"x": [[1]]}]}, "unexpected JSON type: Array"),
        ({"examples": [{"x": [1, 1.5]}]}, "Unexpected element type in feature: x"),
        ({"examples": [{"x": 2**63}]}, "uint64_t"),
        ({"examples": [{"\ud800": 1}]}, "surrogate pair"),
        ({"signature_name": 1, "examples": [{}]}, "must be a string"),
    ],
)
def test_examples_that_are_none_say_why(document: dict[str, object], message: str) -> None:
    with pytest.raises(ServingError, match=message):
        json_examples.fill_request(document, classification_pb2.ClassificationRequest())


def test_answers_come_in_rows_or_as_a_whole() -> None:
    outputs = {"y": np.array([[1, 2.5], [0.1, 1e-7]], np.float32), "n": np.array([3, -4])}
    rows = json_output.predictions(outputs, True)
    assert rows == '{"predictions": [{"n": 3, "y": [1.0, 2.5]}, {"n": -4, "y": [0.1, 1e-07]}]}'
    assert json.loads(json_output.predictions(outputs, False)) == {
        "outputs": {"n": [3, -4], "y": [[1.0, 2.5], [0.1, 1e-07]]}
    }
    assert json_output.predictions({"y": np.array([1.5])}, True) == '{"predictions": [1.5]}'
    assert json_output.predictions({"y": np.zeros((2, 0, 3))}, True) == '{"predictions": [[], []]}'
    assert json_output.predictions({"y": np.zeros((0, 3))}, False) == '{"outputs": []}'


def test_answers_hold_what_is_not_finite_and_bytes() -> None:
    assert json_output.predictions({"y": np.array([np.nan, np.inf, -np.inf], np.float32)}, False) == (
        '{"outputs": [NaN, Infinity, -Infinity]}'
    )
    words = np.array([b"\xff", 'ü"'.encode()], object)
    assert json_output.predictions({"y_bytes": words}, False) == '{"outputs": [{"b64": "/w=="}, {"b64": "w7wi"}]}'
    assert (
        json_output.predictions({"y": words}, False).encode("utf-8", "surrogateescape")
        == b'{"outputs": ["\xff", "\xc3\xbc\\""]}'
    )
    assert json_output.predictions({"y": np.array([True, False])}, False) == '{"outputs": [true, false]}'


def test_rows_need_equally_many_outputs() -> None:
    with pytest.raises(ServingError, match="has no shape information"):
        json_output.predictions({"y": np.array(1.0)}, True)
    with pytest.raises(ServingError, match="inconsistent batch size: 2 expecting: 3"):
        json_output.predictions({"a": np.zeros(3), "y": np.zeros(2)}, True)
