"""PredictionService and ModelService: their methods and messages.

tensorflow-serving-api's `prediction_service_pb2` and `model_service_pb2` cannot be imported with the protobuf that
TensorFlow brings (they assign to attributes that are read-only now), so the services are put together from their messages.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"

# method -> (request, response)
METHODS: dict[str, dict[str, tuple[Any, Any]]] = {
    PREDICTION_SERVICE: {
        "Classify": (classification_pb2.ClassificationRequest, classification_pb2.ClassificationResponse),
        "Regress": (regression_pb2.RegressionRequest, regression_pb2.RegressionResponse),
        "Predict": (predict_pb2.PredictRequest, predict_pb2.PredictResponse),
        "MultiInference": (inference_pb2.MultiInferenceRequest, inference_pb2.MultiInferenceResponse),
        "GetModelMetadata": (
            get_model_metadata_pb2.GetModelMetadataRequest,
            get_model_metadata_pb2.GetModelMetadataResponse,
        ),
    },
    MODEL_SERVICE: {
        "GetModelStatus": (get_model_status_pb2.GetModelStatusRequest, get_model_status_pb2.GetModelStatusResponse),
        "HandleReloadConfigRequest": (model_management_pb2.ReloadConfigRequest, model_management_pb2.ReloadConfigResponse),
    },
}

_FILES = {
    PREDICTION_SERVICE: "tensorflow_serving/apis/prediction_service.proto",
    MODEL_SERVICE: "tensorflow_serving/apis/model_service.proto",
}


def reflection_pool() -> descriptor_pool.DescriptorPool:
    """Descriptors of both services and of all that they use, for gRPC reflection."""
    pool = descriptor_pool.DescriptorPool()
    added: set[str] = set()
    for service, methods in METHODS.items():
        package, _, name = service.rpartition(".")
        file = descriptor_pb2.FileDescriptorProto(name=_FILES[service], package=package, syntax="proto3")
        declared = file.service.add(name=name)
        for method, (request, response) in methods.items():
            declared.method.add(
                name=method, input_type=f".{request.DESCRIPTOR.full_name}", output_type=f".{response.DESCRIPTOR.full_name}"
            )
        used = {message.DESCRIPTOR.file.name: message.DESCRIPTOR.file for pair in methods.values() for message in pair}
        for name, descriptor in sorted(used.items()):
            _add(pool, descriptor, added)
            file.dependency.append(name)
        pool.Add(file)
    return pool


def _add(pool: descriptor_pool.DescriptorPool, descriptor: Any, added: set[str]) -> None:
    if descriptor.name in added:
        return
    added.add(descriptor.name)
    for dependency in descriptor.dependencies:
        _add(pool, dependency, added)
    pool.AddSerializedFile(descriptor.serialized_pb)
