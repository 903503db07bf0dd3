"""The messages of a Predict call, without TensorFlow.

tensorflow-serving-api's own classes import the whole of TensorFlow: seconds, and hundreds of megabytes, that a feed's
backend has no other use for. What a client needs of the wire format is declared here, in a descriptor pool of its own, so
that both may live in one process; a test compares it with tensorflow-serving-api's.
"""

from __future__ import annotations

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

PREDICT = "/tensorflow.serving.PredictionService/Predict"
# Values of tensorflow.DataType.
DT_FLOAT = 1
DT_STRING = 7

_Field = descriptor_pb2.FieldDescriptorProto
_PACKAGE = "community_din"
_MAP = "map"

# Message -> (field, number, type[, repeated or map]); a type is a scalar's, or a message's name.
_MESSAGES: dict[str, tuple[tuple[Any, ...], ...]] = {
    "Dim": (("size", 1, _Field.TYPE_INT64),),
    "TensorShapeProto": (("dim", 2, "Dim", _Field.LABEL_REPEATED),),
    "TensorProto": (
        ("dtype", 1, _Field.TYPE_INT32),
        ("tensor_shape", 2, "TensorShapeProto"),
        ("tensor_content", 4, _Field.TYPE_BYTES),
        ("float_val", 5, _Field.TYPE_FLOAT, _Field.LABEL_REPEATED),
        ("string_val", 8, _Field.TYPE_BYTES, _Field.LABEL_REPEATED),
    ),
    "ModelSpec": (
        ("name", 1, _Field.TYPE_STRING),
        ("version", 2, "google.protobuf.Int64Value"),
        ("signature_name", 3, _Field.TYPE_STRING),
        ("version_label", 4, _Field.TYPE_STRING),
    ),
    "PredictRequest": (
        ("model_spec", 1, "ModelSpec"),
        ("inputs", 2, "TensorProto", _MAP),
    ),
    "PredictResponse": (
        ("outputs", 1, "TensorProto", _MAP),
        ("model_spec", 2, "ModelSpec"),
    ),
}


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(name="predict", package=_PACKAGE, syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in _MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, *label in fields:
            if label == [_MAP]:
                entry = message.nested_type.add(name=f"{field.capitalize()}Entry")
                entry.options.map_entry = True
                _add(entry, "key", 1, _Field.TYPE_STRING)
                _add(entry, "value", 2, kind)
                _add(message, field, number, f"{name}.{entry.name}", _Field.LABEL_REPEATED)
            else:
                _add(message, field, number, kind, *label)
    return file


def _add(message: Any, name: str, number: int, kind: int | str, label: int = _Field.LABEL_OPTIONAL) -> None:
    field = message.field.add(name=name, number=number, label=label)
    if isinstance(kind, str):
        field.type = _Field.TYPE_MESSAGE
        field.type_name = f".{kind}" if kind.startswith("google.") else f".{_PACKAGE}.{kind}"
    else:
        field.type = kind


def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    wrappers = descriptor_pb2.FileDescriptorProto()
    wrappers_pb2.DESCRIPTOR.CopyToProto(wrappers)
    pool.Add(wrappers)
    pool.Add(_file())
    return {name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")) for name in _MESSAGES}


_CLASSES = _classes()
PredictRequest = _CLASSES["PredictRequest"]
PredictResponse = _CLASSES["PredictResponse"]
