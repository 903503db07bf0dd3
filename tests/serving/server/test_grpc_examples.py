"""Classify, Regress and MultiInference of a running server."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import (
    classification_pb2,
    inference_pb2,
    regression_pb2,
)

from tests.serving.server.calls import refused
from tests.serving.server.models import CLASSIFY, REGRESS


def with_examples(request: Any, *values: float, name: str = "default", signature_name: str = "") -> Any:
    if hasattr(request, "model_spec"):
        request.model_spec.name = name
        request.model_spec.signature_name = signature_name
    for value in values:
        request.input.example_list.examples.add().features.feature["x"].float_list.value.append(value)
    return request


@pytest.mark.parametrize("name", ["default", "tf1"])
def test_classify_and_regress_read_examples(prediction: Any, name: str) -> None:
    request = with_examples(
        classification_pb2.ClassificationRequest(), 2.0, 4.0, name=name, signature_name="classify_x_to_y"
    )
    answer = prediction.Classify(request, timeout=20)
    assert [row.classes[0].score for row in answer.result.classifications] == [3.0, 4.0]
    assert {row.classes[0].label for row in answer.result.classifications} == {"y" if name == "default" else ""}
    assert answer.model_spec.signature_name == "classify_x_to_y"
    request = with_examples(regression_pb2.RegressionRequest(), 2.0, 4.0, name=name, signature_name="regress_x_to_y")
    answer = prediction.Regress(request, timeout=20)
    assert [item.value for item in answer.result.regressions] == [3.0, 4.0]


def test_a_context_is_merged_into_each_example(prediction: Any) -> None:
    request = regression_pb2.RegressionRequest()
    request.model_spec.name = "default"
    request.model_spec.signature_name = "regress_x_to_y"
    found = request.input.example_list_with_context
    found.context.features.feature["x"].float_list.value.append(6.0)
    found.examples.add()
    found.examples.add()
    assert [item.value for item in prediction.Regress(request, timeout=20).result.regressions] == [5.0, 5.0]


def test_examples_refuse_in_tensorflow_servings_words(prediction: Any) -> None:
    invalid = grpc.StatusCode.INVALID_ARGUMENT
    call = prediction.Classify
    request = with_examples(classification_pb2.ClassificationRequest(), signature_name="classify_x_to_y")
    assert refused(call, request) == (invalid, "Input is empty.")
    request = with_examples(classification_pb2.ClassificationRequest(), 1.0, signature_name="s")
    assert refused(call, request) == (invalid, "No signature was found with the name: s")
    request = with_examples(classification_pb2.ClassificationRequest(), 1.0, signature_name="regress_x_to_y")
    assert refused(call, request)[1].startswith("Expected classification signature outputs to contain at least one of")
    request = with_examples(regression_pb2.RegressionRequest(), 1.0, signature_name="classify_x_to_y")
    assert refused(prediction.Regress, request) == (invalid, "Expected one output Tensor.")


def _multi(*tasks: tuple[str, str, str]) -> inference_pb2.MultiInferenceRequest:
    request = with_examples(inference_pb2.MultiInferenceRequest(), 2.0)
    for name, signature_name, method in tasks:
        task = request.tasks.add(method_name=method)
        task.model_spec.name = name
        task.model_spec.signature_name = signature_name
    return request


@pytest.mark.parametrize("name", ["default", "tf1"])
def test_multi_inference_answers_all_tasks(prediction: Any, name: str) -> None:
    request = _multi((name, "regress_x_to_y", REGRESS), (name, "classify_x_to_y", CLASSIFY))
    first, second = prediction.MultiInference(request, timeout=20).results
    assert first.regression_result.regressions[0].value == 3.0
    assert second.classification_result.classifications[0].classes[0].score == 3.0
    assert second.model_spec.signature_name == "classify_x_to_y"


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([], "ModelSpec has no name specified."),
        ([("default", "regress_x_to_y", REGRESS)] * 2, "Duplicate evaluation of signature: regress_x_to_y"),
        ([("default", "regress_x_to_y", REGRESS), ("tf1", "classify_x_to_y", CLASSIFY)], "must access the same model name"),
        ([("default", "s", REGRESS)], "Requested signature not found in model graph: s"),
        ([("default", "regress_x_to_y", "predict")], "Unsupported signature method_name: predict"),
    ],
)
def test_multi_inference_refuses_tasks_that_do_not_go_together(
    prediction: Any, tasks: list[tuple[str, str, str]], message: str
) -> None:
    assert message in refused(prediction.MultiInference, _multi(*tasks))[1]
