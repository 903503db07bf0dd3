"""Predict over gRPC."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from serving.client.errors import InvalidResponseError, server_error
from serving.client.messages import DT_FLOAT, DT_STRING, PREDICT, PredictRequest, PredictResponse
from serving.client.transport import TLS, Arrays, Strings, chosen

# By default gRPC connects to one of the addresses that a name has, and sends all requests there.
_SERVICE_CONFIG: dict[str, Any] = {"loadBalancingConfig": [{"round_robin": {}}]}
# An explanation of many candidates is longer than the 4 MiB that gRPC takes by default. After a lost connection it must not
# wait longer than a retry does.
_OPTIONS = [
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]


class GrpcTransport:
    """Calls a model's signatures over gRPC; see `Transport`.

    Requests go in turn to all addresses of the target that answer: a headless service of Kubernetes has one for each pod.

    Args:
        target: str. `host:port`, `unix:path`, or another of gRPC's names, such as `ipv4:10.0.0.1:8500,10.0.0.2:8500`.
        model_name: str. The model.
        version: int. The model's version. Defaults to `None`, the latest one served.
        tls: TLS. Files for an encrypted connection. Defaults to `None`, plain text.
    """

    def __init__(self, target: str, model_name: str, version: int | None = None, tls: TLS | None = None) -> None:
        self._target = target
        self._model_name = model_name
        self._version = version
        if tls is None:
            self._channel = grpc.insecure_channel(target, options=_OPTIONS)
        else:
            self._channel = grpc.secure_channel(target, _credentials(tls), options=_OPTIONS)
        self._call = self._channel.unary_unary(
            PREDICT, request_serializer=PredictRequest.SerializeToString, response_deserializer=_decoded
        )

    def predict(
        self, signature: str, inputs: Mapping[str, Strings], outputs: Sequence[str], timeout: float, label: str | None = None
    ) -> Arrays:
        request = PredictRequest()
        request.model_spec.name = self._model_name
        request.model_spec.signature_name = signature
        if label is not None:
            request.model_spec.version_label = label
        elif self._version is not None:
            request.model_spec.version.value = self._version
        for name, strings in inputs.items():
            _encode(np.asarray(strings, dtype=object), request.inputs[name])
        try:
            response = self._call(request, timeout=timeout)
        except grpc.RpcError as error:
            raise server_error(error.code().name, error.details() or "", self._target) from error
        if response is None:
            raise InvalidResponseError("The answer must be a PredictResponse. Received: something else.")
        answer = Arrays({name: _array(tensor, name) for name, tensor in response.outputs.items()})
        answer.version = response.model_spec.version.value or None
        return chosen(answer, outputs)

    def close(self) -> None:
        self._channel.close()


def _credentials(tls: TLS) -> grpc.ChannelCredentials:
    authorities, key, certificate = (
        None if path is None else Path(path).read_bytes() for path in (tls.authorities, tls.key, tls.certificate)
    )
    return grpc.ssl_channel_credentials(authorities, key, certificate)


def _decoded(data: bytes) -> Any:
    try:
        return PredictResponse.FromString(data)
    except DecodeError:
        return None


def _encode(strings: NDArray[Any], tensor: Any) -> None:
    tensor.dtype = DT_STRING
    for size in strings.shape:
        tensor.tensor_shape.dim.add(size=size)
    tensor.string_val.extend([string.encode() for string in strings.ravel()])


def _array(tensor: Any, name: str) -> NDArray[Any]:
    shape = [dim.size for dim in tensor.tensor_shape.dim]
    try:
        if tensor.dtype == DT_STRING:
            return np.array([value.decode() for value in tensor.string_val], dtype=object).reshape(shape)
        if tensor.dtype == DT_FLOAT:
            values = np.frombuffer(tensor.tensor_content, "<f4") if tensor.tensor_content else np.array(tensor.float_val)
            return values.astype(np.float32).reshape(shape)
    except ValueError as error:
        raise InvalidResponseError(
            f"Output `{name}` must have as many values as its shape {shape} holds. {error}"
        ) from error
    raise InvalidResponseError(f"Output `{name}` must hold float32 or strings. Received: data type {tensor.dtype}.")
