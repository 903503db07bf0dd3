"""Messages and services of TensorFlow Serving that its Python package does not ship or cannot import, and text-format files.

Field names and numbers are those of config/ssl_config.proto, config/monitoring_config.proto and
servables/tensorflow/session_bundle_config.proto in github.com/tensorflow/serving, so that files written for it are read.
They live in a pool of their own, and so cannot collide with a package that does define them. The package's
`prediction_service_pb2` and `model_service_pb2` cannot be imported with the protobuf that TensorFlow brings (they assign to
attributes that are read-only now), so the services are put together from their messages.
"""

from __future__ import annotations

import logging
from typing import Any, TypeVar

import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format, wrappers_pb2
from google.protobuf.message import Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from serving.server.errors import from_tensorflow, invalid_argument

_Field = descriptor_pb2.FieldDescriptorProto
_STRING, _BOOL, _INT64, _MESSAGE = _Field.TYPE_STRING, _Field.TYPE_BOOL, _Field.TYPE_INT64, _Field.TYPE_MESSAGE
_INT64_VALUE, _BOOL_VALUE, _STRING_VALUE = (f".google.protobuf.{kind}Value" for kind in ("Int64", "Bool", "String"))

# message: field -> (number, type, type name of a message, repeated)
_MESSAGES: dict[str, dict[str, tuple[int, int, str, bool]]] = {
    "SSLConfig": {
        "server_key": (1, _STRING, "", False),
        "server_cert": (2, _STRING, "", False),
        "custom_ca": (3, _STRING, "", False),
        "client_verify": (4, _BOOL, "", False),
    },
    "PrometheusConfig": {"enable": (1, _BOOL, "", False), "path": (2, _STRING, "", False)},
    "MonitoringConfig": {"prometheus_config": (1, _MESSAGE, ".tensorflow.serving.PrometheusConfig", False)},
    "BatchingParameters": {
        "max_batch_size": (1, _MESSAGE, _INT64_VALUE, False),
        "batch_timeout_micros": (2, _MESSAGE, _INT64_VALUE, False),
        "max_enqueued_batches": (3, _MESSAGE, _INT64_VALUE, False),
        "num_batch_threads": (4, _MESSAGE, _INT64_VALUE, False),
        "thread_pool_name": (5, _MESSAGE, _STRING_VALUE, False),
        "allowed_batch_sizes": (6, _INT64, "", True),
        "pad_variable_length_inputs": (7, _BOOL, "", False),
        "enable_large_batch_splitting": (8, _MESSAGE, _BOOL_VALUE, False),
        "max_execution_batch_size": (9, _MESSAGE, _INT64_VALUE, False),
    },
}


def _pool() -> descriptor_pool.DescriptorPool:
    file = descriptor_pb2.FileDescriptorProto(
        name="embedded_server_config.proto", package="tensorflow.serving", syntax="proto3"
    )
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, type_name, repeated) in fields.items():
            label = _Field.LABEL_REPEATED if repeated else _Field.LABEL_OPTIONAL
            message.field.add(name=field, number=number, type=kind, label=label, type_name=type_name or None)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _pool()

SSLConfig = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("tensorflow.serving.SSLConfig"))
MonitoringConfig = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("tensorflow.serving.MonitoringConfig"))
BatchingParameters = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("tensorflow.serving.BatchingParameters"))


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
            _add_file(pool, descriptor, added)
            file.dependency.append(name)
        pool.Add(file)
    return pool


def _add_file(pool: descriptor_pool.DescriptorPool, descriptor: Any, added: set[str]) -> None:
    if descriptor.name in added:
        return
    added.add(descriptor.name)
    for dependency in descriptor.dependencies:
        _add_file(pool, dependency, added)
    pool.AddSerializedFile(descriptor.serialized_pb)


LOG = logging.getLogger(__name__)

M = TypeVar("M", bound=Message)


def read_text(path: str, message: M) -> M:
    """Parses a text-format file into `message` and returns it.

    Raises:
        ServingError: the file cannot be read, or is not text format of that message; the parser's complaint is logged in the
            words that TensorFlow Serving's log has.
    """
    try:
        with tf.io.gfile.GFile(path, "rb") as file:
            text = file.read()
    except tf.errors.OpError as error:
        raise from_tensorflow(error) from error
    try:
        text_format.Parse(text, message)
    except (text_format.ParseError, UnicodeDecodeError) as error:
        LOG.error("Error parsing text-format %s: %s", message.DESCRIPTOR.full_name, error)
        raise invalid_argument(f"Invalid protobuf file: '{path}'") from error
    return message
