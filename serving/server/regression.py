"""Regression signatures: `inputs` to `outputs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from serving.server.errors import invalid_argument
from serving.server.tensors import Array


def check(signature: Any) -> None:
    """Raises INVALID_ARGUMENT unless the signature takes `inputs` and gives `outputs`."""
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    if "inputs" not in signature.inputs:
        raise invalid_argument(f"No regression inputs found in SignatureDef: {signature}")
    if "outputs" not in signature.outputs:
        raise invalid_argument(f"No regression outputs found in SignatureDef: {signature}")


def fill(result: Any, signature: Any, values: Mapping[str, Array], count: int) -> None:
    """Fills a RegressionResult from the output, [B] or [B, 1].

    Raises:
        ServingError: it has another shape or dtype.
    """
    value = values[signature.outputs["outputs"].name]
    if value.ndim != 1 and not (value.ndim == 2 and value.shape[1] == 1):
        raise invalid_argument(
            f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {list(value.shape)}"
        )
    if len(value) != count:
        raise invalid_argument(f"Input batch size did not match output batch size: {count} vs. {len(value)}")
    if value.dtype != np.float32:
        raise invalid_argument(f"Expected output Tensor of DT_FLOAT.  Got: {value.dtype}")
    for number in value.ravel().tolist():
        result.regressions.add().value = number
