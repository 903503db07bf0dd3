"""Classify, Regress and MultiInference: tf.Examples in, classes or values out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from tensorflow_serving.apis import classification_pb2, inference_pb2, regression_pb2

from serving.server.core import Servable
from serving.server.errors import invalid_argument, unimplemented
from serving.server.metrics import Metrics
from serving.server.predict import CLASSIFY, DEFAULT, REGRESS, feeds_of, fill_model_spec, find_signature, unknown_to_examples
from serving.server.saved_model import Runner
from serving.server.tensors import Array


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
    _answer(response, CLASSIFY, servable, request, "Classify", runner, metrics)
    return response


def regress(servable: Servable, request: Any, runner: Runner, metrics: Metrics) -> regression_pb2.RegressionResponse:
    """Answers a RegressionRequest; ServingError if the signature or the input is not for it."""
    response = regression_pb2.RegressionResponse()
    _answer(response, REGRESS, servable, request, "Regress", runner, metrics)
    return response


def _answer(
    response: Any, method: str, servable: Servable, request: Any, api: str, runner: Runner, metrics: Metrics
) -> None:
    name = request.model_spec.signature_name
    signature = find_signature(servable.model, name, unknown_to_examples)
    _CHECKS[method](signature)
    values, count = _run(servable, request.input, [signature], api, runner, metrics)
    _FILLS[method](response.result, signature, values, count)
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
        if task.method_name == CLASSIFY:
            _fill_classification(result.classification_result, signature, values, count)
        else:
            _fill_regression(result.regression_result, signature, values, count)
    return response


def _task_signatures(servable: Servable, request: Any) -> list[Any]:
    found: dict[str, Any] = {}
    for task in request.tasks:
        if not task.model_spec.name:
            raise invalid_argument("Found ModelSpec with an empty model name.")
        if task.model_spec.name != servable.name:
            raise invalid_argument("All ModelSpecs in a MultiInferenceRequest must access the same model name.")
        name = task.model_spec.signature_name or DEFAULT
        if name in found:
            raise invalid_argument(f"Duplicate evaluation of signature: {name}")
        if name not in servable.model.signatures:
            raise invalid_argument(f"Requested signature not found in model graph: {name}")
        if task.method_name not in _CHECKS:
            raise unimplemented(f"Unsupported signature method_name: {task.method_name}")
        found[name] = servable.model.signatures[name]
        _CHECKS[task.method_name](found[name])
    return list(found.values())


def _run(
    servable: Servable, examples: Any, found: list[Any], api: str, runner: Runner, metrics: Metrics
) -> tuple[dict[str, Array], int]:
    batch = serialized_examples(examples)
    metrics.examples(servable.name, len(batch))
    feeds: dict[str, Array] = {}
    for signature in found:
        feeds |= feeds_of(signature, {"inputs": batch})
    fetches = [output.name for signature in found for output in signature.outputs.values()]
    with metrics.runtime(servable.name, api):
        return runner.run(servable.model, feeds, fetches), len(batch)


def _check_classification(signature: Any) -> None:
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


def _fill_classification(result: Any, signature: Any, values: Mapping[str, Array], count: int) -> None:
    """Fills a ClassificationResult from the outputs, each [B, classes].

    Raises:
        ServingError: an output has another shape or dtype.
    """
    classes = _class_output(signature, values, "classes", count)
    scores = _class_output(signature, values, "scores", count)
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


def _class_output(signature: Any, values: Mapping[str, Array], alias: str, count: int) -> Array | None:
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


def _check_regression(signature: Any) -> None:
    """Raises INVALID_ARGUMENT unless the signature takes `inputs` and gives `outputs`."""
    if len(signature.inputs) != 1:
        raise invalid_argument("Expected one input Tensor.")
    if len(signature.outputs) != 1:
        raise invalid_argument("Expected one output Tensor.")
    if "inputs" not in signature.inputs:
        raise invalid_argument(f"No regression inputs found in SignatureDef: {signature}")
    if "outputs" not in signature.outputs:
        raise invalid_argument(f"No regression outputs found in SignatureDef: {signature}")


def _fill_regression(result: Any, signature: Any, values: Mapping[str, Array], count: int) -> None:
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


_CHECKS: dict[str, Callable[[Any], None]] = {CLASSIFY: _check_classification, REGRESS: _check_regression}
_FILLS: dict[str, Callable[[Any, Any, Mapping[str, Array], int], None]] = {
    CLASSIFY: _fill_classification,
    REGRESS: _fill_regression,
}
