"""The gRPC server: ports, TLS, limits, health and reflection."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from serving.server import protos
from serving.server.api import Api, Gate
from serving.server.errors import invalid_argument
from serving.server.grpc_services import generic_handlers
from serving.server.protos import MODEL_SERVICE, PREDICTION_SERVICE, SSLConfig, reflection_pool

# TensorFlow Serving reports the short names; the full ones are what gRPC's own tools ask for.
_HEALTH_NAMES = ("", "PredictionService", "ModelService", PREDICTION_SERVICE, MODEL_SERVICE)


class GrpcServer:
    """Serves PredictionService, ModelService, health and reflection. To be made and used in one event loop.

    Args:
        api: answers.
        executor: threads for all calls but those that wait for models to load.
        reloads: threads for these; None: such a call is refused.
        gate: bounds the calls under way.
        arguments: gRPC channel arguments.
    """

    def __init__(
        self, api: Api, executor: Executor, reloads: Executor | None, gate: Gate, arguments: Mapping[str, int | str]
    ) -> None:
        self._server = grpc.aio.server(options=list(arguments.items()))
        self._server.add_generic_rpc_handlers(tuple(generic_handlers(api, executor, reloads, gate)))
        self._health = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (PREDICTION_SERVICE, MODEL_SERVICE, health.SERVICE_NAME, reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server, reflection_pool())

    def listen(self, address: str, credentials: grpc.ServerCredentials | None) -> None:
        """Adds a `host:port` or `unix:path` to listen at; ServingError if it cannot be bound."""
        try:
            bound = (
                self._server.add_secure_port(address, credentials)
                if credentials
                else self._server.add_insecure_port(address)
            )
        except RuntimeError as error:
            raise invalid_argument(f"Failed to bind gRPC to {address}: {error}") from error
        if address.startswith("unix:") is False and bound == 0:
            raise invalid_argument(f"Failed to bind gRPC to {address}")

    async def start(self) -> None:
        await self._server.start()
        await self._set_health(health_pb2.HealthCheckResponse.SERVING)

    async def not_serving(self) -> None:
        """Says by gRPC's health service that callers should go elsewhere; calls are still answered."""
        await self._set_health(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def _set_health(self, status: Any) -> None:
        for name in _HEALTH_NAMES:
            await self._health.set(name, status)

    async def stop(self, grace_seconds: float) -> None:
        """Says that it is not serving, takes no new calls, and gives the running ones time to end."""
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace_seconds)


def channel_arguments(text: str) -> dict[str, int | str]:
    """Parses --grpc_channel_arguments, a comma-separated list of key=value; whole numbers become ints.

    Raises:
        ServingError: an entry without key or `=`.
    """
    found: dict[str, int | str] = {}
    for entry in filter(None, text.split(",")):
        key, equals, value = entry.partition("=")
        if not key or not equals:
            raise invalid_argument(
                f"--grpc_channel_arguments must be key=value pairs with commas between. Received: '{entry}'."
            )
        found[key] = int(value) if value.lstrip("-").isdecimal() else value
    return found


def credentials(ssl_config_file: str) -> grpc.ServerCredentials:
    """TLS as an SSLConfig file says.

    Raises:
        ServingError: the file cannot be parsed, or lacks the key, the certificate, or the authority of the clients'.
    """
    config: Any = protos.read_text(ssl_config_file, SSLConfig())
    if not config.server_key or not config.server_cert:
        raise invalid_argument(f"`server_key` and `server_cert` must be set in {ssl_config_file}.")
    if config.client_verify and not config.custom_ca:
        raise invalid_argument(f"`custom_ca` must be set in {ssl_config_file} if `client_verify` is.")
    return grpc.ssl_server_credentials(
        [(config.server_key.encode(), config.server_cert.encode())],
        root_certificates=config.custom_ca.encode() or None,
        require_client_auth=config.client_verify,
    )
