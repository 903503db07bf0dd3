"""Predict: any signature, tensors in and tensors out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tensorflow_serving.apis import model_pb2, predict_pb2

from serving.server import signature_matching, tensors
from serving.server.core import Servable
from serving.server.errors import invalid_argument
from serving.server.metrics import Metrics
from serving.server.runner import Runner
from serving.server.tensors import Array


def predict(servable: Servable, request: predict_pb2.PredictRequest, runner: Runner, metrics: Metrics) -> Any:
    """Answers a PredictRequest.

    Raises:
        ServingError: FAILED_PRECONDITION for an unknown signature, INVALID_ARGUMENT for wrong inputs or outputs.
    """
    name = request.model_spec.signature_name
    signature = signature_matching.find(servable.model, name, signature_matching.unknown_to_predict)
    signature_matching.check_inputs(signature, request.inputs)
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
    aliases = signature_matching.outputs(signature, output_filter)
    defaults = {alias: _array(alias, default) for alias, default in signature.defaults.items() if alias not in arrays}
    feeds = signature_matching.feeds(signature, {**arrays, **defaults})
    with metrics.runtime(servable.name, "Predict"):
        values = runner.run(servable.model, feeds, [signature.outputs[alias].name for alias in aliases])
    return {alias: values[signature.outputs[alias].name] for alias in aliases}


def fill_model_spec(spec: model_pb2.ModelSpec, servable: Servable, signature_name: str) -> None:
    """Says in an answer which model, version and signature gave it."""
    spec.name = servable.name
    spec.signature_name = signature_name or signature_matching.DEFAULT
    spec.version.value = servable.version


def _array(alias: str, proto: Any) -> Array:
    try:
        return tensors.to_array(proto)
    except ValueError as error:
        raise invalid_argument(f"tensor parsing error: {alias}. {error}") from error
