"""TensorProto to numpy and back."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

from serving.server import tensors

NUMBERS = [
    "float32",
    "float64",
    "int8",
    "int16",
    "int32",
    "int64",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
]


@pytest.mark.parametrize("kind", [*NUMBERS, "bool"])
def test_tensor_content_and_typed_fields_give_the_same_array(kind: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(tf.dtypes.as_dtype(kind).as_numpy_dtype)
    content = tf.make_tensor_proto(array)
    if not content.tensor_content:
        content = tensor_pb2.TensorProto(
            dtype=content.dtype, tensor_shape=content.tensor_shape, tensor_content=array.tobytes()
        )
    typed = tensor_pb2.TensorProto()
    tensors.to_proto(array, typed)
    assert not typed.tensor_content
    for proto in (content, typed):
        read = tensors.to_array(proto)
        assert read.dtype == array.dtype
        np.testing.assert_array_equal(read, array)
    np.testing.assert_array_equal(tf.make_ndarray(typed), array)


def test_strings_keep_every_byte() -> None:
    array = np.array([[b"", b"a\0b\0"], [b"\xff\xfe", "ü".encode()]], object)
    proto = tensor_pb2.TensorProto()
    tensors.to_proto(array, proto)
    assert list(proto.string_val) == array.ravel().tolist()
    np.testing.assert_array_equal(tensors.to_array(proto), array)


@pytest.mark.parametrize("array", [np.zeros((0, 3), np.float32), np.array(2.5, np.float32), np.zeros((2, 0), np.int64)])
def test_empty_tensors_and_scalars_keep_their_shape(array: tensors.Array) -> None:
    proto = tensor_pb2.TensorProto()
    tensors.to_proto(array, proto)
    read = tensors.to_array(proto)
    assert read.shape == array.shape
    np.testing.assert_array_equal(read, array)


def test_the_last_value_fills_the_shape() -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1.0, 2.0])
    proto.tensor_shape.dim.add().size = 4
    assert tensors.to_array(proto).tolist() == [1.0, 2.0, 2.0, 2.0]
    no_values = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=proto.tensor_shape)
    assert tensors.to_array(no_values).tolist() == [b""] * 4


def _proto(dtype: int, *sizes: int, **fields: object) -> tensor_pb2.TensorProto:
    proto = tensor_pb2.TensorProto(dtype=dtype, **fields)
    for size in sizes:
        proto.tensor_shape.dim.add().size = size
    return proto


@pytest.mark.parametrize(
    ("proto", "message"),
    [
        (_proto(types_pb2.DT_FLOAT, 2**40, float_val=[1.0]), "must be sent in full"),
        (_proto(types_pb2.DT_FLOAT, 1, float_val=[1.0, 2.0]), "must not have 2 values"),
        (_proto(types_pb2.DT_FLOAT, -1, float_val=[1.0]), "must not be negative"),
        (_proto(types_pb2.DT_FLOAT, 2, tensor_content=b"abc"), "must have 8 bytes"),
        (_proto(types_pb2.DT_INT8, 1, int_val=[300]), "must fit int8"),
        (_proto(types_pb2.DT_STRING, 1, tensor_content=b"\x07content"), "none for strings"),
        (_proto(types_pb2.DT_HALF, 1, half_val=[0]), "dtype must be"),
        (_proto(types_pb2.DT_COMPLEX64, 1, scomplex_val=[0.0, 0.0]), "dtype must be"),
        (_proto(types_pb2.DT_INVALID), "dtype must be"),
        (_proto(types_pb2.DT_RESOURCE, 1), "dtype must be"),
    ],
)
def test_values_that_do_not_fit_their_shape_are_refused(proto: tensor_pb2.TensorProto, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        tensors.to_array(proto)


def test_an_unknown_rank_is_refused() -> None:
    proto = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1.0])
    proto.tensor_shape.unknown_rank = True
    with pytest.raises(ValueError, match="rank must be known"):
        tensors.to_array(proto)
