"""PredictionService and ModelService over gRPC.

An event loop moves messages; threads parse, run and serialize them. A caller that opens a call and sends nothing therefore
holds no thread, and one that gives up while its request is queued leaves the queue.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from serving.server.api import Api, Gate
from serving.server.errors import ServingError
from serving.server.protos import METHODS, MODEL_SERVICE, PREDICTION_SERVICE

# A status travels in a header, and clients refuse headers of more than 8 KiB; one character may take 9 bytes there.
_LONGEST_MESSAGE = 800

LOG = logging.getLogger(__name__)

Call = Callable[[Any], Any]


def generic_handlers(api: Api, executor: Executor, reloads: Executor | None, gate: Gate) -> list[grpc.GenericRpcHandler]:
    """The handlers of both services.

    Args:
        api: answers.
        executor: its threads answer all calls but HandleReloadConfigRequest.
        reloads: its threads answer that one, and may wait for models to load; None: it is refused.
        gate: bounds the calls of PredictionService. ModelService tells of the server when it is full, too.
    """
    metrics = api.metrics

    def counted(name: str, call: Call) -> Call:
        def wrapped(request: Any) -> Any:
            with metrics.request(api.label(request.model_spec.name), name, "GRPC"):
                return call(request)

        return wrapped

    prediction = {
        "Predict": counted("Predict", api.predict),
        "Classify": counted("Classify", api.classify),
        "Regress": counted("Regress", api.regress),
        "MultiInference": api.multi_inference,
        "GetModelMetadata": api.get_model_metadata,
    }
    methods = {
        name: _unary(METHODS[PREDICTION_SERVICE][name][0], call, functools.partial(gate.submit, executor))
        for name, call in prediction.items()
    }
    status = METHODS[MODEL_SERVICE]["GetModelStatus"][0]
    models = {
        "GetModelStatus": _unary(status, api.get_model_status, functools.partial(_submit, executor)),
        "HandleReloadConfigRequest": _refused_reload() if reloads is None else _reload_config(api, reloads),
    }
    return [
        grpc.method_handlers_generic_handler(PREDICTION_SERVICE, methods),
        grpc.method_handlers_generic_handler(MODEL_SERVICE, models),
    ]


def _submit(executor: Executor, call: Callable[[bytes], bytes], data: bytes) -> asyncio.Future[bytes]:
    return asyncio.get_running_loop().run_in_executor(executor, call, data)


def _unary(
    message: Any, call: Call, submit: Callable[[Callable[[bytes], bytes], bytes], asyncio.Future[bytes]]
) -> grpc.RpcMethodHandler:
    def answer(data: bytes) -> bytes:
        response: bytes = call(_parse(message, data)).SerializeToString()
        return response

    async def handle(data: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        return await _reply(context, lambda: submit(answer, data))

    return grpc.unary_unary_rpc_method_handler(handle)


def _refused_reload() -> grpc.RpcMethodHandler:
    """Whoever reaches the port could have the server read any path, and stop serving what it serves."""

    async def handle(data: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        await context.abort(
            grpc.StatusCode.PERMISSION_DENIED,
            "HandleReloadConfigRequest is off. --enable_reload_config lets whoever reaches the port change what is served.",
        )
        raise AssertionError("abort raises")

    return grpc.unary_unary_rpc_method_handler(handle)


def _reload_config(api: Api, executor: Executor) -> grpc.RpcMethodHandler:
    message = METHODS[MODEL_SERVICE]["HandleReloadConfigRequest"][0]

    async def handle(data: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
        cancelled = threading.Event()

        def answer() -> bytes:
            response: bytes = api.reload_config(_parse(message, data), cancelled.is_set).SerializeToString()
            return response

        try:
            return await _reply(context, lambda: asyncio.get_running_loop().run_in_executor(executor, answer))
        finally:
            cancelled.set()

    return grpc.unary_unary_rpc_method_handler(handle)


async def _reply(context: grpc.aio.ServicerContext[bytes, bytes], answer: Callable[[], asyncio.Future[bytes]]) -> bytes:
    try:
        return await answer()
    except ServingError as error:
        code, message = error.code, error.message
    except Exception as error:
        LOG.exception("A request failed")
        code, message = grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}"
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[: _LONGEST_MESSAGE - 3]}..."
    await context.abort(code, message)
    raise AssertionError("abort raises")


def _parse(message: Any, data: bytes) -> Any:
    """Parses a request; INTERNAL if it is not one, as gRPC's own parsers say."""
    try:
        return message.FromString(data)
    except DecodeError as error:
        raise ServingError(grpc.StatusCode.INTERNAL, f"Failed to parse {message.DESCRIPTOR.name}: {error}") from error
