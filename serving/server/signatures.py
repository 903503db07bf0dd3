"""Signatures: finding one, and matching a request's inputs and outputs with it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from serving.server.errors import failed_precondition, invalid_argument
from serving.server.saved_model import SavedModel

DEFAULT = "serving_default"
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def for_predict(model: SavedModel, name: str) -> Any:
    """The SignatureDef of a Predict request; any signature will do.

    Raises:
        ServingError: FAILED_PRECONDITION, there is none of that name.
    """
    signature = model.signatures.get(name or DEFAULT)
    if signature is None:
        raise failed_precondition(f'Serving signature key "{name or DEFAULT}" not found.')
    return signature


def for_examples(model: SavedModel, name: str) -> Any:
    """The SignatureDef of a Classify or Regress request.

    Raises:
        ServingError: INVALID_ARGUMENT, there is none of that name.
    """
    signature = model.signatures.get(name or DEFAULT)
    if signature is None:
        raise invalid_argument(f"No signature was found with the name: {name or DEFAULT}")
    return signature


def for_json(model: SavedModel, name: str) -> Any:
    """The SignatureDef by which the JSON of a Predict request is read.

    Raises:
        ServingError: INVALID_ARGUMENT, there is none of that name, or it takes nothing.
    """
    signature = model.signatures.get(name or DEFAULT)
    if signature is None:
        raise invalid_argument(f'Serving signature name: "{name or DEFAULT}" not found in signature def')
    if not signature.inputs:
        raise invalid_argument(f"Failed to get input map for signature: {name or 'DEFAULT'}")
    return signature


def check_inputs(signature: Any, sent: Collection[str]) -> None:
    """Raises INVALID_ARGUMENT, naming what was sent and what is missing, unless the inputs are those of the signature.

    Inputs for which the signature has defaults may be left out.
    """
    extra = sorted(set(sent) - set(signature.inputs))
    missing = sorted(set(signature.inputs) - set(sent) - set(signature.defaults))
    if not extra and not missing:
        return
    difference = f"Sent extra: {_braces(extra)}. Missing but required: {_braces(missing)}."
    if len(sent) == len(signature.inputs):
        raise invalid_argument(
            f"input tensor alias not found in signature: {extra[0]}. "
            f"Inputs expected to be in the set {_braces(sorted(signature.inputs))}. {difference}"
        )
    raise invalid_argument(
        f"input size does not match signature: {len(sent)}!={len(signature.inputs)} "
        f"len({_braces(sorted(sent))}) != len({_braces(sorted(signature.inputs))}). {difference}"
    )


def outputs(signature: Any, output_filter: Sequence[str]) -> list[str]:
    """The aliases of the outputs to return: those asked for, or all.

    Raises:
        ServingError: INVALID_ARGUMENT, an output that the signature does not have, or one asked for twice.
    """
    seen: set[str] = set()
    for alias in output_filter:
        if alias not in signature.outputs:
            raise invalid_argument(
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {_braces(sorted(signature.outputs))}."
            )
        if alias in seen:
            raise invalid_argument(f"duplicate output tensor alias: {alias}")
        seen.add(alias)
    return list(output_filter) or sorted(signature.outputs)


def _braces(names: Iterable[str]) -> str:
    return "{" + ",".join(names) + "}"
