"""Classification signatures: `inputs` to `classes` and/or `scores`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.server.errors import invalid_argument
from serving.server.tensors import Array


def check(signature: Any) -> None:
    """Raises INVALID_ARGUMENT unless the signature takes `inputs` and gives `classes` or `scores`."""
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) not in (1, 2):
        raise invalid_argument(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    if "inputs" not in signature.inputs:
        raise invalid_argument(f"No classification inputs found in SignatureDef: {signature}")
    if "classes" not in signature.outputs and "scores" not in signature.outputs:
        raise invalid_argument(
            'Expected classification signature outputs to contain at least one of "classes" or "scores". '
            f"Signature was: {signature}"
        )


def fill(result: Any, signature: Any, values: Mapping[str, Array], count: int) -> None:
    """Fills a ClassificationResult from the outputs, each [B, classes].

    Raises:
        ServingError: an output has another shape or dtype.
    """
    classes = _output(signature, values, "classes", count)
    scores = _output(signature, values, "scores", count)
    if classes is not None and scores is not None and classes.shape[1] != scores.shape[1]:
        raise invalid_argument(
            f"Tensors class and score should match in dim_size(1). Got {classes.shape[1]} vs. {scores.shape[1]}"
        )
    present = [output for output in (classes, scores) if output is not None]
    for row in range(count):
        found = result.classifications.add().classes
        for column in range(present[0].shape[1]):
            item = found.add()
            if classes is not None:
                item.label = classes[row, column]
            if scores is not None:
                item.score = scores[row, column]


def _output(signature: Any, values: Mapping[str, Array], alias: str, count: int) -> Array | None:
    if alias not in signature.outputs:
        return None
    value = values[signature.outputs[alias].name]
    if value.ndim != 2:
        raise invalid_argument(f"Expected Tensor shape: [batch_size num_classes] but got {list(value.shape)}")
    expected = np.dtype(object) if alias == "classes" else np.dtype(np.float32)
    if value.dtype != expected:
        kind = "DT_STRING" if alias == "classes" else "DT_FLOAT"
        raise invalid_argument(f"Expected {alias} Tensor of {kind}. Got: {value.dtype}")
    if len(value) != count:
        raise invalid_argument(f"Expected {alias} output batch size of {count}. Got: {len(value)}")
    return value
