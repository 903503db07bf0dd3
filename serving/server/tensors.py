"""TensorProto to numpy and back.

Requests carry values either in a typed field (`float_val`, `string_val` ...) or in `tensor_content`; answers use typed
fields, as TensorFlow Serving's do. TensorFlow's own converters are not used: `make_tensor_proto` writes `tensor_content`,
and `make_ndarray` fills a shape of any size from a single value.
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
    types_pb2.DT_HALF: "half_val",
    types_pb2.DT_BFLOAT16: "half_val",
    types_pb2.DT_COMPLEX64: "scomplex_val",
    types_pb2.DT_COMPLEX128: "dcomplex_val",
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
        flat = _from_content(proto.tensor_content, dtype, size)
    else:
        flat = _fill(_from_field(proto, dtype), size)
    return flat.reshape(shape)


def _from_content(content: bytes, dtype: int, size: int) -> Array:
    if dtype == types_pb2.DT_STRING:
        return _strings_from_content(content, size)
    kind = _NUMPY[dtype]
    if len(content) != size * kind.itemsize:
        raise ValueError(f"`tensor_content` must have {size * kind.itemsize} bytes. Received: {len(content)}.")
    return np.frombuffer(content, kind)


def _strings_from_content(content: bytes, size: int) -> Array:
    """The lengths of all strings as varints, then their bytes."""
    lengths: list[int] = []
    at = 0
    while len(lengths) < size:
        length = shift = 0
        while True:
            if at >= len(content) or shift > 28:
                raise ValueError("`tensor_content` must hold a length for each string.")
            byte = content[at]
            at += 1
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        lengths.append(length)
    if sum(lengths) != len(content) - at:
        raise ValueError("`tensor_content` must hold as many bytes as the lengths say.")
    flat = np.empty(size, object)
    for index, length in enumerate(lengths):
        flat[index] = content[at : at + length]
        at += length
    return flat


def _from_field(proto: tensor_pb2.TensorProto, dtype: int) -> Array:
    values = list(getattr(proto, _FIELDS[dtype]))
    kind = _NUMPY[dtype]
    try:
        if _FIELDS[dtype] == "half_val":
            return np.array(values, np.uint16).view(kind)
        if kind.kind == "c":
            return np.array(values, np.float32 if dtype == types_pb2.DT_COMPLEX64 else np.float64).view(kind)
        return np.array(values, kind)
    except OverflowError as error:
        raise ValueError(f"Values must fit {dtype_name(dtype)}.") from error


def _fill(values: Array, size: int) -> Array:
    if len(values) == size:
        return values
    if len(values) > size:
        raise ValueError(f"A tensor of {size} elements must not have {len(values)} values.")
    if size * values.dtype.itemsize > MAX_FILLED_BYTES:
        raise ValueError(f"A tensor larger than {MAX_FILLED_BYTES} bytes must be sent in full.")
    empty = b"" if values.dtype == object else values.dtype.type(0)
    flat = np.full(size, values[-1] if len(values) else empty, values.dtype)
    flat[: len(values)] = values
    return flat


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
        getattr(proto, _FIELDS[dtype]).extend(_plain(array, dtype))
    proto.dtype = dtype
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size


def _plain(array: Array, dtype: int) -> list[object]:
    if _FIELDS[dtype] == "half_val":
        array = array.view(np.uint16)
    elif array.dtype.kind == "c":
        array = np.ascontiguousarray(array).view(np.float32 if dtype == types_pb2.DT_COMPLEX64 else np.float64)
    flat: list[object] = array.ravel().tolist()
    return flat


def _varint(value: int) -> list[int]:
    groups = []
    while value > 127:
        groups.append(value & 127 | 128)
        value >>= 7
    return [*groups, value]
