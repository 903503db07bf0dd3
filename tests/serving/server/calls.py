"""Calls of a running server, and how it refuses them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import prediction_service_pb2_grpc

from tests.serving.server.models import predict_request


def refused(call: Any, request: Any) -> tuple[grpc.StatusCode, str]:
    """With which status and words a request is refused."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request, timeout=20)
    return caught.value.code(), caught.value.details()


def predict(channel: grpc.Channel, name: str) -> list[float]:
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
    return list(stub.Predict(predict_request([2.0], name=name), timeout=20).outputs["y"].float_val)


def code(call: Callable[[], Any]) -> grpc.StatusCode:
    found = refusal(call)
    assert found is not None
    return found


def refusal(call: Callable[[], Any]) -> grpc.StatusCode | None:
    """With which status a call is refused; None if it is answered."""
    try:
        call()
    except grpc.RpcError as error:
        found: grpc.StatusCode = error.code()
        return found
    return None
