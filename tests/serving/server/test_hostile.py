"""Input that is meant to hurt: each gets its error, and the server answers on."""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import threading
import urllib.parse
from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from tensorflow.core.framework import types_pb2
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server import process
from tests.serving.server.models import predict_request
from tests.serving.server.test_rest import call

METHODS = ["Predict", "Classify", "Regress", "MultiInference", "GetModelMetadata"]


@pytest.fixture(autouse=True)
def still_answers(server: process.RunningServer) -> Iterator[None]:
    """After each test the same process answers correctly over gRPC and REST, and logged no traceback."""
    yield
    assert server.process.poll() is None
    with grpc.insecure_channel(server.grpc_address) as opened:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(opened)
        assert list(stub.Predict(predict_request([2.0]), timeout=20).outputs["y"].float_val) == [3.0]
    assert call(server, "/v1/models/default:predict", {"instances": [2.0]}) == (200, {"predictions": [3.0]})
    said = server.log.read_text()
    assert "Traceback" not in said, said[said.index("Traceback") - 1000 :]


def outcome(channel: grpc.Channel, method: str, data: bytes) -> grpc.StatusCode:
    """The code that raw bytes get as a message of PredictionService."""
    send = channel.unary_unary(f"/tensorflow.serving.PredictionService/{method}")
    try:
        send(data, timeout=20)
    except grpc.RpcError as error:
        code: grpc.StatusCode = error.code()
        return code
    return grpc.StatusCode.OK


def test_a_thousand_malformed_messages_get_an_error_each(channel: grpc.Channel) -> None:
    noise = random.Random(0)
    good = predict_request([2.0, 4.0]).SerializeToString()
    expected = {
        grpc.StatusCode.INTERNAL,  # cannot be parsed
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.FAILED_PRECONDITION,
    }
    seen = set()
    for index in range(1000):
        if index % 2:
            data = noise.randbytes(noise.randrange(1, 200))
        else:
            mutated = bytearray(good)
            for _ in range(noise.randrange(1, 8)):
                mutated[noise.randrange(len(mutated))] = noise.randrange(256)
            data = bytes(mutated[: noise.randrange(1, len(mutated) + 1)])
        code = outcome(channel, METHODS[index % len(METHODS)], data)
        seen.add(code)
        # A changed byte may leave a valid request: another number, or an unknown field.
        assert code in expected | {grpc.StatusCode.OK}, (index, data)
    assert {grpc.StatusCode.INTERNAL, grpc.StatusCode.INVALID_ARGUMENT} <= seen


def test_bytes_that_are_no_message_are_an_internal_error(channel: grpc.Channel) -> None:
    assert outcome(channel, "Predict", b"\xff" * 50) == grpc.StatusCode.INTERNAL
    assert outcome(channel, "NoSuchMethod", b"") == grpc.StatusCode.UNIMPLEMENTED


def test_messages_nested_too_deeply_are_refused(channel: grpc.Channel) -> None:
    # A TensorProto may hold variants that hold TensorProtos.
    tensor = b""
    for _ in range(5000):
        variant = b"\x1a" + _length(tensor) + tensor
        tensor = b"\x7a" + _length(variant) + variant
    entry = b"\x0a\x01x\x12" + _length(tensor) + tensor
    assert outcome(channel, "Predict", b"\x12" + _length(entry) + entry) == grpc.StatusCode.INTERNAL


def _length(data: bytes) -> bytes:
    size, groups = len(data), b""
    while size > 127:
        groups += bytes([size & 127 | 128])
        size >>= 7
    return groups + bytes([size])


def test_messages_over_the_limit_are_refused(channel: grpc.Channel) -> None:
    assert outcome(channel, "Predict", bytes(1_100_000)) == grpc.StatusCode.RESOURCE_EXHAUSTED


@pytest.mark.parametrize(
    ("dtype", "fields"),
    [
        (types_pb2.DT_STRING, {"string_val": [b"x"]}),
        (types_pb2.DT_VARIANT, {}),
        (types_pb2.DT_RESOURCE, {}),
        (types_pb2.DT_INVALID, {}),
        (types_pb2.DT_FLOAT_REF, {"float_val": [1.0]}),
        (12345, {"float_val": [1.0]}),
        (types_pb2.DT_DOUBLE, {"double_val": [1.0]}),
        (types_pb2.DT_FLOAT, {"double_val": [1.0], "tensor_content": b"abc"}),
    ],
)
def test_wrong_dtypes_are_refused(channel: grpc.Channel, dtype: int, fields: dict[str, Any]) -> None:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "default"
    tensor = request.inputs["x"]
    tensor.dtype = dtype
    tensor.tensor_shape.dim.add().size = 1
    for name, value in fields.items():
        getattr(tensor, name).extend(value) if isinstance(value, list) else setattr(tensor, name, value)
    assert outcome(channel, "Predict", request.SerializeToString()) == grpc.StatusCode.INVALID_ARGUMENT


def test_a_small_message_cannot_ask_for_a_huge_tensor(channel: grpc.Channel) -> None:
    for sizes in ([2**40], [2**20] * 20, [-1], [2**62, 4]):
        request = predict_request([1.0])
        del request.inputs["x"].tensor_shape.dim[:]
        for size in sizes:
            request.inputs["x"].tensor_shape.dim.add().size = size
        assert outcome(channel, "Predict", request.SerializeToString()) == grpc.StatusCode.INVALID_ARGUMENT


def test_malformed_json_gets_an_error_each(server: process.RunningServer) -> None:
    noise = random.Random(1)
    good = json.dumps({"signature_name": "names", "instances": [{"x": 1.5, "words": ["red", {"b64": "Ymx1ZQ=="}]}] * 2})
    parts = urllib.parse.urlsplit(server.rest_url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
    seen = set()
    for index in range(300):
        body = bytearray(good.encode())
        for _ in range(noise.randrange(1, 6)):
            body[noise.randrange(len(body))] = noise.randrange(256)
        if index % 3 == 0:
            body = body[: noise.randrange(len(body))]
        connection.request("POST", "/v1/models/default:predict", bytes(body))
        answer = connection.getresponse()
        seen.add(answer.status)
        text = answer.read().decode("utf-8", "surrogateescape")
        assert answer.status in (200, 400), (bytes(body), text)
        assert ("error" in json.loads(text)) == (answer.status == 400)
    assert 400 in seen
    connection.close()


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'{"instances": ' + b"[" * 900 + b"1" + b"]" * 900 + b"}",
        b'{"signature_name": ' + b"[" * 900 + b"]" * 900 + b', "instances": [1]}',
    ],
)
def test_deep_json_is_refused(server: process.RunningServer, body: bytes) -> None:
    assert call(server, "/v1/models/default:predict", body)[0] == 400


def test_bodies_over_the_limit_are_refused(server: process.RunningServer) -> None:
    assert call(server, "/v1/models/default:predict", b'{"instances": [' + b"1," * 600_000 + b"1]}")[0] == 413


def test_half_open_connections_hold_nobody_up(server: process.RunningServer, channel: grpc.Channel) -> None:
    rest = urllib.parse.urlsplit(server.rest_url)
    grpc_port = int(server.grpc_address.rpartition(":")[2])
    beginnings = [
        (rest.port, b""),
        (rest.port, b"POST /v1/models/default:predict HTTP/1.1\r\nHost: "),
        (rest.port, b"POST /v1/models/default:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"),
        (grpc_port, b""),
        (grpc_port, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        (grpc_port, os.urandom(100)),
    ]
    connections = []
    silent = threading.Event()

    def never() -> Iterator[bytes]:
        silent.wait(60)
        yield from ()

    open_call = channel.stream_unary("/tensorflow.serving.PredictionService/Predict")
    calls = [open_call.future(never()) for _ in range(3 * (os.cpu_count() or 1) * 4)]
    try:
        for port, beginning in beginnings * 20:
            connection = socket.create_connection(("127.0.0.1", port), timeout=20)
            connection.sendall(beginning)
            connections.append(connection)
        assert outcome(channel, "Predict", predict_request([2.0]).SerializeToString()) == grpc.StatusCode.OK
        assert call(server, "/v1/models/default:predict", {"instances": [2.0]}) == (200, {"predictions": [3.0]})
        # A body that does not arrive in time gets its error.
        unfinished = connections[2]
        assert unfinished.recv(100).startswith(b"HTTP/1.1 504")
    finally:
        silent.set()
        for pending in calls:
            pending.cancel()
        for connection in connections:
            connection.close()


def test_http_that_is_none_is_refused(server: process.RunningServer) -> None:
    port = urllib.parse.urlsplit(server.rest_url).port
    for data in (
        os.urandom(500),
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /v1/models/m:predict HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(data + b"\r\n\r\n")
            assert connection.recv(100).startswith(b"HTTP/1.")
