"""PredictionService, ModelService, health and reflection of a running server."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
import tensorflow as tf
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_management_pb2,
    model_service_pb2_grpc,
    prediction_service_pb2_grpc,
)

from serving.server import process
from tests.serving.server.calls import refused
from tests.serving.server.models import predict_request


@pytest.fixture
def model_service(channel: grpc.Channel) -> Any:
    return model_service_pb2_grpc.ModelServiceStub(channel)


def test_predict_answers_in_typed_fields_and_says_who_answered(prediction: Any) -> None:
    answer = prediction.Predict(predict_request([2.0, 4.0]), timeout=20)
    y = answer.outputs["y"]
    assert y.dtype == types_pb2.DT_FLOAT
    assert list(y.float_val) == [3.0, 4.0]
    assert not y.tensor_content
    assert [dim.size for dim in y.tensor_shape.dim] == [2]
    assert (answer.model_spec.name, answer.model_spec.version.value) == ("default", 8)
    assert answer.model_spec.signature_name == "serving_default"


@pytest.mark.parametrize("shape", [[1], [1, 1]])
def test_a_tensorflow_1_model_takes_shapes_that_only_run(prediction: Any, shape: list[int]) -> None:
    request = predict_request([2.0], name="tf1")
    request.inputs["x"].CopyFrom(tf.make_tensor_proto([2.0], tf.float32, shape))
    answer = prediction.Predict(request, timeout=20)
    assert list(answer.outputs["y"].float_val) == [3.0]
    assert answer.model_spec.version.value == 123


def test_only_outputs_asked_for_are_run_and_returned(prediction: Any) -> None:
    request = predict_request([], signature_name="parsed")
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(["no number"]))
    code, text = refused(prediction.Predict, request)
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "could not correctly convert string" in text  # said by an operation that only the output `number` needs
    request.output_filter.append("length")
    answer = prediction.Predict(request, timeout=20)
    assert list(answer.outputs) == ["length"]
    assert list(answer.outputs["length"].int_val) == [9]


def test_versions_and_labels_are_asked_for_by_name(prediction: Any) -> None:
    request = predict_request([2.0])
    request.model_spec.version.value = 7
    assert prediction.Predict(request, timeout=20).model_spec.version.value == 7
    request.model_spec.version_label = "stable"
    assert prediction.Predict(request, timeout=20).model_spec.version.value == 7


def test_predict_refuses_in_tensorflow_servings_words(prediction: Any) -> None:
    def predict(change: Any, **options: Any) -> tuple[str, str]:
        request = predict_request([2.0], **options)
        change(request)
        code, text = refused(prediction.Predict, request)
        return code.name, text

    def version(request: Any) -> None:
        request.model_spec.version.value = 99

    def label(request: Any) -> None:
        request.model_spec.version_label = "canary"

    def extra(request: Any) -> None:
        request.inputs["b"].CopyFrom(request.inputs["x"])
        request.inputs["c"].CopyFrom(request.inputs["x"])

    def renamed(request: Any) -> None:
        request.inputs["b"].CopyFrom(request.inputs["x"])
        del request.inputs["x"]

    def strings(request: Any) -> None:
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(["a"]))

    def broken(request: Any) -> None:
        request.inputs["x"].tensor_content = b"abc"

    nothing = lambda request: None  # noqa: E731
    assert predict(nothing, name="no_such") == ("NOT_FOUND", "Servable not found for request: Latest(no_such)")
    assert predict(version) == ("NOT_FOUND", "Servable not found for request: Specific(default, 99)")
    assert predict(label) == ("INVALID_ARGUMENT", "Unrecognized servable version label: canary")
    assert predict(nothing, name="") == ("INVALID_ARGUMENT", "ModelSpec has no name specified.")
    assert predict(lambda request: request.ClearField("model_spec")) == ("INVALID_ARGUMENT", "Missing ModelSpec")
    assert predict(nothing, signature_name="s") == ("FAILED_PRECONDITION", 'Serving signature key "s" not found.')
    assert predict(extra) == (
        "INVALID_ARGUMENT",
        "input size does not match signature: 3!=1 len({b,c,x}) != len({x}). Sent extra: {b,c}. Missing but required: {}.",
    )
    code, text = predict(renamed)
    assert code == "INVALID_ARGUMENT"
    assert "Sent extra: {b}. Missing but required: {x}." in text
    code, text = predict(strings)
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("Expects arg[0] to be float but string is provided")
    code, text = predict(broken)
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("tensor parsing error: x")
    assert predict(lambda request: request.output_filter.append("z")) == (
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: z Outputs expected to be in the set {y}.",
    )
    assert predict(lambda request: request.output_filter.extend(["y", "y"])) == (
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: y",
    )


def test_metadata_are_the_exported_signatures(prediction: Any) -> None:
    request = get_model_metadata_pb2.GetModelMetadataRequest()
    request.model_spec.name = "tf1"
    request.metadata_field.append("signature_def")
    answer = prediction.GetModelMetadata(request, timeout=20)
    assert answer.model_spec.version.value == 123
    found = get_model_metadata_pb2.SignatureDefMap()
    answer.metadata["signature_def"].Unpack(found)
    assert found.signature_def["serving_default"].inputs["x"].name == "x:0"
    request.metadata_field.append("weights")
    assert refused(prediction.GetModelMetadata, request)[1] == "Metadata field weights is not supported"
    del request.metadata_field[:]
    assert "at least one metadata_field" in refused(prediction.GetModelMetadata, request)[1]


def test_status_lists_versions(model_service: Any) -> None:
    request = get_model_status_pb2.GetModelStatusRequest()
    request.model_spec.name = "default"
    found = model_service.GetModelStatus(request, timeout=20).model_version_status
    assert [(item.version, item.state, item.status.error_code) for item in found] == [(8, 30, 0), (7, 30, 0)]
    request.model_spec.version.value = 7
    assert len(model_service.GetModelStatus(request, timeout=20).model_version_status) == 1
    request.model_spec.version.value = 1
    not_found = grpc.StatusCode.NOT_FOUND
    assert refused(model_service.GetModelStatus, request) == (not_found, "Could not find version 1 of model default")
    request.model_spec.name = "m"
    request.model_spec.ClearField("version")
    assert refused(model_service.GetModelStatus, request) == (not_found, "Could not find any versions of model m")


def test_an_empty_configuration_is_refused(model_service: Any) -> None:
    code, text = refused(model_service.HandleReloadConfigRequest, model_management_pb2.ReloadConfigRequest())
    assert code == grpc.StatusCode.INVALID_ARGUMENT
    assert "Only ModelConfigList is currently supported" in text


def test_the_unix_socket_answers_too(server: process.RunningServer) -> None:
    arguments = server.process.args
    assert isinstance(arguments, list)
    flag = next(argument for argument in map(str, arguments) if argument.startswith("--grpc_socket_path"))
    with grpc.insecure_channel(f"unix:{flag.partition('=')[2]}") as opened:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(opened)
        assert list(stub.Predict(predict_request([2.0]), timeout=20).outputs["y"].float_val) == [3.0]


@pytest.mark.parametrize("service", ["", "PredictionService", "tensorflow.serving.ModelService"])
def test_health_says_serving(channel: grpc.Channel, service: str) -> None:
    stub = health_pb2_grpc.HealthStub(channel)
    answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=20)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


def test_reflection_describes_the_services(channel: grpc.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="tensorflow.serving.PredictionService"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="tensorflow.TensorProto"),
    ]
    listed, described, message = stub.ServerReflectionInfo(iter(requests), timeout=20)
    names = {service.name for service in listed.list_services_response.service}
    assert {"tensorflow.serving.PredictionService", "tensorflow.serving.ModelService", "grpc.health.v1.Health"} <= names
    file = descriptor_pb2.FileDescriptorProto.FromString(described.file_descriptor_response.file_descriptor_proto[0])
    assert [method.name for method in file.service[0].method] == [
        "Classify",
        "Regress",
        "Predict",
        "MultiInference",
        "GetModelMetadata",
    ]
    assert message.file_descriptor_response.file_descriptor_proto
