"""Classify, Regress and MultiInference: tf.Examples in, classes or values out."""

from __future__ import annotations

from typing import Any

import numpy as np
from tensorflow_serving.apis import classification_pb2, inference_pb2, regression_pb2

from serving.server import classification, regression, signature_matching
from serving.server.core import Servable
from serving.server.errors import invalid_argument, unimplemented
from serving.server.metrics import Metrics
from serving.server.predict import fill_model_spec
from serving.server.runner import Runner
from serving.server.tensors import Array

_METHODS: dict[str, Any] = {signature_matching.CLASSIFY: classification, signature_matching.REGRESS: regression}


def serialized_examples(examples: Any) -> Array:
    """The serialized tf.Examples of an Input, each behind its context if there is one: merged by concatenation.

    Returns:
        [B] bytes.

    Raises:
        ServingError: INVALID_ARGUMENT, there is no example.
    """
    context = b""
    if examples.WhichOneof("kind") == "example_list_with_context":
        context = examples.example_list_with_context.context.SerializeToString()
        found = examples.example_list_with_context.examples
    else:
        found = examples.example_list.examples
    if not found:
        raise invalid_argument("Input is empty.")
    return np.array([context + example.SerializeToString() for example in found], object)


def classify(
    servable: Servable, request: Any, runner: Runner, metrics: Metrics
) -> classification_pb2.ClassificationResponse:
    """Answers a ClassificationRequest; ServingError if the signature or the input is not for it."""
    response = classification_pb2.ClassificationResponse()
    _answer(response, classification, servable, request, "Classify", runner, metrics)
    return response


def regress(servable: Servable, request: Any, runner: Runner, metrics: Metrics) -> regression_pb2.RegressionResponse:
    """Answers a RegressionRequest; ServingError if the signature or the input is not for it."""
    response = regression_pb2.RegressionResponse()
    _answer(response, regression, servable, request, "Regress", runner, metrics)
    return response


def _answer(
    response: Any, method: Any, servable: Servable, request: Any, api: str, runner: Runner, metrics: Metrics
) -> None:
    name = request.model_spec.signature_name
    signature = signature_matching.find(servable.model, name, signature_matching.unknown_to_examples)
    method.check(signature)
    values, count = _run(servable, request.input, [signature], api, runner, metrics)
    method.fill(response.result, signature, values, count)
    fill_model_spec(response.model_spec, servable, name)


def multi_inference(
    servable: Servable, request: Any, runner: Runner, metrics: Metrics
) -> inference_pb2.MultiInferenceResponse:
    """Answers a MultiInferenceRequest: all its tasks in one run; ServingError if one of them is not possible."""
    found = _task_signatures(servable, request)
    values, count = _run(servable, request.input, found, "MultiInference", runner, metrics)
    response = inference_pb2.MultiInferenceResponse()
    for task, signature in zip(request.tasks, found, strict=True):
        result = response.results.add()
        fill_model_spec(result.model_spec, servable, task.model_spec.signature_name)
        if task.method_name == signature_matching.CLASSIFY:
            classification.fill(result.classification_result, signature, values, count)
        else:
            regression.fill(result.regression_result, signature, values, count)
    return response


def _task_signatures(servable: Servable, request: Any) -> list[Any]:
    found: dict[str, Any] = {}
    for task in request.tasks:
        if not task.model_spec.name:
            raise invalid_argument("Found ModelSpec with an empty model name.")
        if task.model_spec.name != servable.name:
            raise invalid_argument("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        name = task.model_spec.signature_name or signature_matching.DEFAULT
        if name in found:
            raise invalid_argument(f"Duplicate evaluation of signature: {name}")
        if name not in servable.model.signatures:
            raise invalid_argument(f"Requested signature not found in model graph: {name}")
        if task.method_name not in _METHODS:
            raise unimplemented(f"Unsupported signature method_name: {task.method_name}")
        found[name] = servable.model.signatures[name]
        _METHODS[task.method_name].check(found[name])
    return list(found.values())


def _run(
    servable: Servable, examples: Any, found: list[Any], api: str, runner: Runner, metrics: Metrics
) -> tuple[dict[str, Array], int]:
    batch = serialized_examples(examples)
    metrics.examples(servable.name, len(batch))
    feeds: dict[str, Array] = {}
    for signature in found:
        feeds |= signature_matching.feeds(signature, {"inputs": batch})
    fetches = [output.name for signature in found for output in signature.outputs.values()]
    with metrics.runtime(servable.name, api):
        return runner.run(servable.model, feeds, fetches), len(batch)
