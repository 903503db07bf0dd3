"""The JSON of REST Predict requests to arrays, with the checks and the words of TensorFlow Serving's json_tensor.cc."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.framework import types_pb2

from serving.server.errors import ServingError, invalid_argument, unimplemented
from serving.server.json_values import base64_value, describe, is_base64, json_type
from serving.server.tensors import Array, dtype_name

MAX_RANK = 64  # numpy's

_INTEGERS: dict[int, type[np.integer[Any]]] = {
    types_pb2.DT_INT8: np.int8,
    types_pb2.DT_INT16: np.int16,
    types_pb2.DT_INT32: np.int32,
    types_pb2.DT_INT64: np.int64,
    types_pb2.DT_UINT8: np.uint8,
    types_pb2.DT_UINT32: np.uint32,
    types_pb2.DT_UINT64: np.uint64,
}
_FLOATS: dict[int, type[np.floating[Any]]] = {types_pb2.DT_FLOAT: np.float32, types_pb2.DT_DOUBLE: np.float64}


def signature_name(document: Mapping[str, Any]) -> str:
    """The `signature_name` of a request; empty if it has none."""
    name = document.get("signature_name", "")
    if not isinstance(name, str):
        raise invalid_argument(
            f"JSON Value: {describe(document)} not formatted correctly. 'signature_name' key must be a string value."
        )
    return name


def predict_inputs(document: Mapping[str, Any], infos: Mapping[str, Any]) -> tuple[dict[str, Array], bool]:
    """The inputs of a Predict request.

    Args:
        document: has `instances` (the row format) or `inputs` (the column format).
        infos: TensorInfo by input name.

    Returns:
        Arrays by input name, and whether they came in rows.

    Raises:
        ServingError: neither or both are there, or a value is not what its input takes.
    """
    if not infos:
        raise invalid_argument("Failed to get input map for signature: it has no inputs")
    if "instances" in document and "inputs" in document:
        message = "Not formatted correctly expecting only one of 'inputs' or 'instances' keys to exist "
        raise invalid_argument(f"JSON Value: {describe(document)} {message}")
    if "instances" in document:
        instances = document["instances"]
        if not isinstance(instances, list):
            raise invalid_argument(f"JSON Value: {describe(document)} Expecting 'instances' to be an list/array")
        if not instances:
            raise invalid_argument(f"JSON Value: {describe(document)} No values in 'instances' array")
        return _rows(instances, infos), True
    if "inputs" in document:
        return _columns(document["inputs"], infos), False
    raise invalid_argument("Missing 'inputs' or 'instances' key")


def _rows(instances: list[Any], infos: Mapping[str, Any]) -> dict[str, Array]:
    named = _is_named(instances[0])
    if not isinstance(instances[0], dict) and len(infos) > 1:
        raise invalid_argument(
            "instances is a plain list, but expecting list of objects as multiple input tensors required "
            "as per tensorinfo_map"
        )
    values: dict[str, list[Any]] = {name: [] for name in infos}
    shapes: dict[str, tuple[int, ...]] = {}
    for index, instance in enumerate(instances):
        if named != _is_named(instance):
            wanted, got = ("object", "list") if named else ("value/list", "object")
            raise invalid_argument(f"Expecting {wanted} but got {got} at item {index} of input list")
        entries = instance if named else {next(iter(infos)): instance}
        for name, value in entries.items():
            where = f"{index} key: {name}" if named else f"{index}"
            try:
                _add(name, value, infos, values, shapes)
            except ServingError as error:
                message = f"Failed to process element: {where} of 'instances' list. Error: {error}"
                raise invalid_argument(message) from error
        if entries.keys() != infos.keys():
            raise invalid_argument(
                f"Failed to process element: {index} of 'instances' list. JSON object: {describe(instance)} "
                f"keys must be equal to: {','.join(sorted(infos))}"
            )
    return {name: _array(flat, infos[name].dtype).reshape(len(instances), *shapes[name]) for name, flat in values.items()}


def _add(
    name: str, value: Any, infos: Mapping[str, Any], values: dict[str, list[Any]], shapes: dict[str, tuple[int, ...]]
) -> None:
    if name not in infos:
        raise invalid_argument(f"JSON object: does not have named input: {name}")
    flat, shape = _flatten(value)
    expected = shapes.setdefault(name, shape)
    if shape != expected:
        size = int(np.prod(expected))
        if len(flat) != size:
            raise invalid_argument(f"Expecting tensor size: {size} but got: {len(flat)}")
        raise invalid_argument(f"Expecting shape {_brackets(expected)} but got: {_brackets(shape)}")
    values[name] += _checked(flat, infos[name].dtype)


def _columns(inputs: Any, infos: Mapping[str, Any]) -> dict[str, Array]:
    if not _is_named(inputs):
        if len(infos) > 1:
            raise invalid_argument(
                "inputs is a plain value/list, but expecting an object as multiple input tensors required "
                "as per tensorinfo_map"
            )
        inputs = {next(iter(infos)): inputs}
    extra = sorted(inputs.keys() - infos.keys())
    if extra:
        raise invalid_argument(f"JSON object: does not have named input: {extra[0]}")
    arrays = {}
    for name, info in infos.items():
        if name not in inputs:
            raise invalid_argument(f"Missing named input: {name} in 'inputs' object.")
        flat, shape = _flatten(inputs[name])
        arrays[name] = _array(_checked(flat, info.dtype), info.dtype).reshape(shape)
    return arrays


def _flatten(value: Any) -> tuple[list[Any], tuple[int, ...]]:
    """The leaves of nested lists, which must be as long and deep everywhere as at the first element."""
    shape: list[int] = []
    first = value
    while isinstance(first, list):
        shape.append(len(first))
        if not first:
            break
        first = first[0]
    if len(shape) > MAX_RANK:
        raise invalid_argument(f"JSON Value: lists must not be nested deeper than {MAX_RANK}. Received: {len(shape)}.")
    leaves = [value]
    for level, size in enumerate(shape):
        for item in leaves:
            if not isinstance(item, list):
                raise invalid_argument(
                    f"JSON Value: {describe(item)} found at incorrect level: {level + 1} in the JSON DOM. "
                    f"Expected at level: {len(shape)}"
                )
            if len(item) != size:
                raise invalid_argument(
                    f"Encountered list at unexpected size: {len(item)} at level: {level} expected size: {size}"
                )
        leaves = [leaf for item in leaves for leaf in item]
    if any(isinstance(leaf, list) for leaf in leaves):
        raise invalid_argument(f"Encountered list at unexpected level: {len(shape)} expected < {len(shape)}")
    return leaves, tuple(shape)


def _checked(flat: list[Any], dtype: int) -> list[Any]:
    """The leaves as Python values that fit the dtype."""
    kinds = set(map(type, flat))
    if dtype == types_pb2.DT_STRING:
        return [_string(value) for value in flat]
    if dtype in _FLOATS:
        allowed: tuple[type, ...] = (int, float)
    elif dtype in _INTEGERS:
        allowed = (int,)
    elif dtype == types_pb2.DT_BOOL:
        allowed = (bool,)
    else:
        raise unimplemented(f"Conversion of JSON Value: {describe(flat[0] if flat else None)} to type: {dtype_name(dtype)}")
    if not kinds.issubset(allowed):
        raise _type_error(next(value for value in flat if type(value) not in allowed), dtype)
    return flat


def _array(flat: list[Any], dtype: int) -> Array:
    if dtype == types_pb2.DT_STRING:
        return np.array(flat, object)
    if dtype == types_pb2.DT_BOOL:
        return np.array(flat, np.bool_)
    if dtype in _INTEGERS:
        limits = np.iinfo(_INTEGERS[dtype])
        for value in flat:
            if not limits.min <= value <= limits.max:
                raise _type_error(value, dtype)
        return np.array(flat, _INTEGERS[dtype])
    largest = float(np.finfo(_FLOATS[dtype]).max)
    for value in flat:
        if abs(value) > largest and value not in (float("inf"), float("-inf")):
            raise _type_error(value, dtype)
    return np.array(flat, _FLOATS[dtype])


def _string(value: Any) -> bytes:
    if isinstance(value, str):
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise invalid_argument("JSON Parse error: The surrogate pair in string is invalid.") from error
    if isinstance(value, dict):
        return base64_value(value)
    raise _type_error(value, types_pb2.DT_STRING)


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def _type_error(value: Any, dtype: int) -> ServingError:
    return invalid_argument(
        f"JSON Value: {describe(value)} Type: {json_type(value)} is not of expected type: {dtype_name(dtype)}"
    )


def _brackets(shape: Sequence[int]) -> str:
    return "[" + ",".join(map(str, shape)) + "]"
