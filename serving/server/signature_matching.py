"""Signatures: finding one, and matching a request's inputs and outputs with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.server.saved_model import SavedModel
from serving.server.tensors import Array, dtype_name, dtype_of

DEFAULT = "serving_default"
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def find(model: SavedModel, name: str, refusal: Callable[[str], ServingError]) -> Any:
    """The SignatureDef of that name, or the default one if the name is empty.

    Args:
        model: has the signatures.
        name: may be empty.
        refusal: what to raise if there is none of the name it gets. TensorFlow Serving says it differently for each call.
    """
    signature = model.signatures.get(name or DEFAULT)
    if signature is None:
        raise refusal(name or DEFAULT)
    return signature


def unknown_to_predict(name: str) -> ServingError:
    return failed_precondition(f'Serving signature key "{name}" not found.')


def unknown_to_examples(name: str) -> ServingError:
    return invalid_argument(f"No signature was found with the name: {name}")


def unknown_to_json(name: str) -> ServingError:
    return invalid_argument(f'Serving signature name: "{name}" not found in signature def')


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


def feeds(signature: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Inputs by the name of their tensor in the graph; INVALID_ARGUMENT if one has another dtype than the signature says."""
    found = {}
    for index, (alias, array) in enumerate(sorted(arrays.items())):
        info = signature.inputs[alias]
        if dtype_of(array) != info.dtype:
            expected, received = dtype_name(info.dtype), dtype_name(dtype_of(array))
            raise invalid_argument(
                f"Expects arg[{index}] to be {expected} but {received} is provided. The input is '{alias}'."
            )
        found[info.name] = array
    return found


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
