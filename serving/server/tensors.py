"""TensorProto to numpy and back.

Requests carry values either in a typed field (`float_val`, `string_val` ...) or in `tensor_content`; answers use typed
fields, as TensorFlow Serving's do. `tf.make_tensor_proto` writes `tensor_content`; `tf.make_ndarray` fills a shape of any
size from a single value, so that sizes are checked first.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2

Array = npt.NDArray[np.generic]

# A short message may ask for a large tensor: fewer values than elements repeat the last one. This bounds what it gets.
MAX_FILLED_BYTES = 1024 * 1024

_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_UINT16: "int_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_STRING: "string_val",
}
_NUMPY = {dtype: np.dtype(tf.dtypes.as_dtype(dtype).as_numpy_dtype) for dtype in _FIELDS}
_ENUM = {kind: dtype for dtype, kind in _NUMPY.items()}
# A packed field's bytes are the array's own (both little-endian): written as they are, 80 times faster than value by value.
_PACKED = {
    dtype: tensor_pb2.TensorProto.DESCRIPTOR.fields_by_name[_FIELDS[dtype]].number << 3 | 2
    for dtype in (types_pb2.DT_FLOAT, types_pb2.DT_DOUBLE)
}


def dtype_name(dtype: int) -> str:
    """`float` for DT_FLOAT: the name TensorFlow's error messages use."""
    return str(types_pb2.DataType.Name(dtype)).removeprefix("DT_").lower()


def dtype_of(array: Array) -> int:
    """The DataType of an array; DT_INVALID if it has none."""
    return _ENUM.get(array.dtype, types_pb2.DT_INVALID)


def to_array(proto: tensor_pb2.TensorProto) -> Array:
    """The values of a TensorProto.

    Returns:
        An array of the proto's shape and dtype; strings as an object array of bytes.

    Raises:
        ValueError: the dtype is not supported, the shape is not known, or values and shape disagree.
    """
    dtype = proto.dtype
    if dtype not in _FIELDS:
        raise ValueError(f"dtype must be a number, a bool or a string. Received: {dtype}.")
    if proto.tensor_shape.unknown_rank:
        raise ValueError("The rank must be known.")
    shape = tuple(dim.size for dim in proto.tensor_shape.dim)
    if any(size < 0 for size in shape):
        raise ValueError(f"Dimensions must not be negative. Received: {shape}.")
    size = math.prod(shape)
    if proto.tensor_content:
        expected = size * _NUMPY[dtype].itemsize
        if dtype == types_pb2.DT_STRING or len(proto.tensor_content) != expected:
            raise ValueError(
                f"`tensor_content` must have {expected} bytes, and none for strings. Received: {len(proto.tensor_content)}."
            )
        return tf.make_ndarray(proto)
    values = getattr(proto, _FIELDS[dtype])
    if len(values) > size:
        raise ValueError(f"A tensor of {size} elements must not have {len(values)} values.")
    if len(values) < size and size * _NUMPY[dtype].itemsize > MAX_FILLED_BYTES:
        raise ValueError(f"A tensor larger than {MAX_FILLED_BYTES} bytes must be sent in full.")
    if dtype == types_pb2.DT_STRING and not values:
        return np.full(shape, b"", object)
    try:
        return tf.make_ndarray(proto)
    except OverflowError as error:
        raise ValueError(f"Values must fit {dtype_name(dtype)}.") from error


def to_proto(array: Array, proto: tensor_pb2.TensorProto) -> None:
    """Fills an empty TensorProto with an array's values, in the dtype's typed field.

    Raises:
        ValueError: the dtype is not supported.
    """
    dtype = dtype_of(array)
    if dtype == types_pb2.DT_INVALID:
        raise ValueError(f"dtype must be a number, a bool or a string. Received: {array.dtype}.")
    if dtype in _PACKED and array.size:
        raw = array.tobytes()
        proto.MergeFromString(bytes((_PACKED[dtype], *_varint(len(raw)))) + raw)
    else:
        getattr(proto, _FIELDS[dtype]).extend(array.ravel().tolist())
    proto.dtype = dtype
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size


def _varint(value: int) -> list[int]:
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return [*groups, value]
