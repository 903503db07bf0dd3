"""Predict: any signature, tensors in and tensors out; finding a signature, and matching inputs and outputs with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from tensorflow_serving.apis import model_pb2, predict_pb2

from serving.server import tensors
from serving.server.core import Servable
from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.server.metrics import Metrics
from serving.server.saved_model import Runner, SavedModel
from serving.server.tensors import Array, dtype_name, dtype_of

DEFAULT = "serving_default"
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


def predict(servable: Servable, request: predict_pb2.PredictRequest, runner: Runner, metrics: Metrics) -> Any:
    """Answers a PredictRequest.

    Raises:
        ServingError: FAILED_PRECONDITION for an unknown signature, INVALID_ARGUMENT for wrong inputs or outputs.
    """
    name = request.model_spec.signature_name
    signature = find_signature(servable.model, name, unknown_to_predict)
    check_inputs(signature, request.inputs)
    arrays = {alias: _array(alias, proto) for alias, proto in request.inputs.items()}
    response = predict_pb2.PredictResponse()
    fill_model_spec(response.model_spec, servable, name)
    for alias, array in run(servable, signature, arrays, request.output_filter, runner, metrics).items():
        tensors.to_proto(array, response.outputs[alias])
    return response


def run(
    servable: Servable,
    signature: Any,
    arrays: Mapping[str, Array],
    output_filter: Sequence[str],
    runner: Runner,
    metrics: Metrics,
) -> dict[str, Array]:
    """Runs a signature on arrays by input name and returns the asked-for outputs (all if none) by name."""
    aliases = outputs_of(signature, output_filter)
    defaults = {alias: _array(alias, default) for alias, default in signature.defaults.items() if alias not in arrays}
    feeds = feeds_of(signature, {**arrays, **defaults})
    with metrics.runtime(servable.name, "Predict"):
        values = runner.run(servable.model, feeds, [signature.outputs[alias].name for alias in aliases])
    return {alias: values[signature.outputs[alias].name] for alias in aliases}


def fill_model_spec(spec: model_pb2.ModelSpec, servable: Servable, signature_name: str) -> None:
    """Says in an answer which model, version and signature gave it."""
    spec.name = servable.name
    spec.signature_name = signature_name or DEFAULT
    spec.version.value = servable.version


def _array(alias: str, proto: Any) -> Array:
    try:
        return tensors.to_array(proto)
    except ValueError as error:
        raise invalid_argument(f"tensor parsing error: {alias}. {error}") from error


def find_signature(model: SavedModel, name: str, refusal: Callable[[str], ServingError]) -> Any:
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


def feeds_of(signature: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
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


def outputs_of(signature: Any, output_filter: Sequence[str]) -> list[str]:
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
