"""Configuration messages of TensorFlow Serving that its Python package does not ship.

Field names and numbers are those of config/ssl_config.proto, config/monitoring_config.proto and
servables/tensorflow/session_bundle_config.proto in github.com/tensorflow/serving, so that files written for it are read.
They live in a pool of their own, and so cannot collide with a package that does define them.
"""

from __future__ import annotations

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

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
