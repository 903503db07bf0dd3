"""Answers as JSON, with the numbers and the layout of TensorFlow Serving's json_tensor.cc."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from serving.server.errors import invalid_argument
from serving.server.tensors import Array

_BYTES_SUFFIX = "_bytes"
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def predictions(outputs: Mapping[str, Array], in_rows: bool) -> str:
    """The answer to a Predict request.

    Args:
        outputs: arrays by output name.
        in_rows: `predictions`, an entry for each row of the first dimension; otherwise `outputs`, each tensor as a whole.

    Raises:
        ServingError: rows are asked for and the outputs are not equally many, or a dtype has no JSON.
    """
    if not outputs:
        raise invalid_argument("Cannot convert empty tensor map to JSON")
    names = sorted(outputs)
    if not in_rows:
        whole = [_nested(_tokens(name, outputs[name]), outputs[name].shape)[0] for name in names]
        return f'{{"outputs": {_entry(names, whole)}}}'
    shapes = {name: _row_shape(name, outputs) for name in names}
    rows = [_nested(_tokens(name, outputs[name]), shapes[name], len(outputs[name])) for name in names]
    entries = [_entry(names, values) for values in zip(*rows, strict=True)]
    return f'{{"predictions": [{", ".join(entries)}]}}'


def _row_shape(name: str, outputs: Mapping[str, Array]) -> tuple[int, ...]:
    shape = outputs[name].shape
    if not shape:
        raise invalid_argument(f"Tensor name: {name} has no shape information ")
    size = outputs[min(outputs)].shape[0]
    if shape[0] != size:
        raise invalid_argument(f"Tensor name: {name} has inconsistent batch size: {shape[0]} expecting: {size}")
    return shape[1:]


def _entry(names: Sequence[str], values: Sequence[str]) -> str:
    if len(names) == 1:
        return values[0]
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in zip(names, values, strict=True)) + "}"


def _nested(tokens: list[str], shape: Sequence[int], count: int = 1) -> list[str]:
    """Wraps the tokens of `count` tensors of a shape in lists."""
    for axis in reversed(range(len(shape))):
        size = shape[axis]
        lists = count * math.prod(shape[:axis])
        tokens = ["[" + ", ".join(tokens[index * size : (index + 1) * size]) + "]" for index in range(lists)]
    return tokens


def _tokens(name: str, array: Array) -> list[str]:
    flat = array.ravel()
    if array.dtype in (np.float32, np.float64):
        # numpy prints the fewest digits that give the number back, in its own precision, and `.0` behind whole numbers.
        return [_NOT_FINITE.get(text, text) for text in flat.astype("U32").tolist()]
    if array.dtype == np.bool_:
        return ["true" if value else "false" for value in flat.tolist()]
    if array.dtype.kind in "iu":
        return list(map(str, flat.tolist()))
    if array.dtype == object:
        return [_string(value, name.endswith(_BYTES_SUFFIX)) for value in flat.tolist()]
    raise invalid_argument(f"Failed to write JSON value for tensor type: {array.dtype}")


def _string(value: bytes, as_base64: bool) -> str:
    if as_base64:
        return f'{{"b64": "{base64.b64encode(value).decode()}"}}'
    # Bytes that are not UTF-8 pass as they are.
    return json.dumps(value.decode("utf-8", "surrogateescape"), ensure_ascii=False)


def classifications(result: Any) -> str:
    """A ClassificationResult: for each example a list of [label, score]."""
    rows = [
        "[" + ", ".join(f"[{json.dumps(item.label)}, {_number(item.score)}]" for item in row.classes) + "]"
        for row in result.classifications
    ]
    return f'{{"results": [{", ".join(rows)}]}}'


def regressions(result: Any) -> str:
    """A RegressionResult: for each example a number."""
    return f'{{"results": [{", ".join(_number(item.value) for item in result.regressions)}]}}'


def _number(value: float) -> str:
    text = str(np.float32(value))
    return _NOT_FINITE.get(text, text)


def error(message: str) -> str:
    """The body of an answer that is an error."""
    return json.dumps({"error": message})
