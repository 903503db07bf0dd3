"""Joins the inputs of several requests into one batch and splits its outputs, as TensorFlow Serving's batching does."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from serving.server.errors import failed_precondition, invalid_argument
from serving.server.tensors import Array

Inputs = Mapping[str, Array]


def size(inputs: Inputs) -> int:
    """The first dimension, which all inputs of a request must share; INVALID_ARGUMENT if they do not."""
    if any(array.ndim == 0 for array in inputs.values()):
        raise invalid_argument("Batching Run() input tensors must have at least one dimension.")
    sizes = {len(array) for array in inputs.values()}
    if len(sizes) != 1:
        raise invalid_argument(
            f"Batching Run() input tensors must have equal 0th-dimension size. Received: {sorted(sizes)}."
        )
    return sizes.pop()


def join(requests: Sequence[Inputs], rows: int, pad: bool) -> dict[str, Array]:
    """One batch of all requests' inputs.

    Args:
        requests: inputs by name; the same names in each.
        rows: first dimension of the batch. Beyond the requests' own it repeats the first row of the last one.
        pad: lengthens the other dimensions to the longest, with the request's own first value, as TensorFlow Serving does.

    Raises:
        ServingError: the other dimensions differ, and `pad` is off or cannot help.
    """
    joined = {}
    for name in requests[0]:
        arrays = [inputs[name] for inputs in requests]
        if len({array.shape[1:] for array in arrays}) > 1:
            arrays = _padded(name, arrays, pad)
        missing = rows - sum(map(len, arrays))
        if missing > 0:
            arrays.append(np.repeat(arrays[-1][:1], missing, axis=0))
        joined[name] = np.concatenate(arrays) if len(arrays) > 1 else arrays[0]
    return joined


def _padded(name: str, arrays: Sequence[Array], pad: bool) -> list[Array]:
    if not pad or len({array.ndim for array in arrays}) > 1:
        raise failed_precondition(
            f"Tensors with name '{name}' from different tasks have different shapes and padding is turned off. "
            "Set pad_variable_length_inputs to true, or ensure that all tensors with the same name have equal dimensions "
            "starting with the first dim."
        )
    longest = np.max([array.shape[1:] for array in arrays], axis=0)
    padded = []
    for array in arrays:
        if array.size == 0 and len(array) and math.prod(longest):
            raise invalid_argument("Got empty tensor in batch of non-empty tensors.")
        whole = np.empty((len(array), *longest), array.dtype)
        if array.size:
            whole[...] = array.flat[0]
        whole[tuple(slice(length) for length in array.shape)] = array
        padded.append(whole)
    return padded


def split(outputs: Mapping[str, Array], sizes: Sequence[int], rows: int) -> list[dict[str, Array]]:
    """The outputs of each request of a batch.

    Raises:
        ServingError: an output does not have a row for each of the inputs'.
    """
    for array in outputs.values():
        if array.ndim == 0:
            raise failed_precondition("Batched output tensor has 0 dimensions")
        if len(array) != rows:
            raise failed_precondition(
                "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension sizes "
                "of the input tensors"
            )
    ends = np.cumsum(sizes)
    return [
        {name: array[end - size : end] for name, array in outputs.items()} for size, end in zip(sizes, ends, strict=True)
    ]
