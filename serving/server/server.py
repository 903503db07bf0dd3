"""The server as a whole: models first, then the ports, then waiting for the signal to end."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web
from tensorflow.core.protobuf import config_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server import grpc_server, metrics, protos
from serving.server.api import Api, Gate
from serving.server.batching import BatchingOptions, BatchingRunner
from serving.server.core import Core, single_model
from serving.server.errors import ServingError, invalid_argument
from serving.server.flags import Flags
from serving.server.loading import Loader
from serving.server.manager import Manager
from serving.server.protos import BatchingParameters, MonitoringConfig
from serving.server.request_log import RequestLog
from serving.server.rest_app import RestApi
from serving.server.saved_model import BoundedRunner, DirectRunner, Runner
from serving.server.version import LoadPolicy

# Calls of HandleReloadConfigRequest that may wait for models at the same time.
RELOADS = 4
# Beyond the time for requests: for unloading and closing.
LAST_SECONDS = 5.0

LOG = logging.getLogger(__name__)


class Server:
    """Serves what the flags say, until SIGTERM or SIGINT.

    Args:
        flags: the command line.

    Raises:
        ServingError: a file that a flag names cannot be used.
    """

    def __init__(self, flags: Flags) -> None:
        self._flags = flags
        self._stopping = threading.Event()
        self._credentials = grpc_server.credentials(flags.ssl_config_file) if flags.ssl_config_file else None
        self._arguments: dict[str, int | str] = {
            # Two servers on one port would share its calls.
            "grpc.so_reuseport": 0,
            "grpc.max_receive_message_length": flags.grpc_max_message_bytes,
            "grpc.max_send_message_length": -1,
            **grpc_server.channel_arguments(flags.grpc_channel_arguments),
        }
        self._metrics_path = _metrics_path(flags)
        self._config = _model_config(flags)
        counts = metrics.Metrics()
        runner = _runner(flags)
        loader = Loader(
            tags=tuple(flags.saved_model_tags.split(",")),
            session_config=_session_config(flags),
            warmup_iterations=max(flags.num_request_iterations_for_warmup, 1) if flags.enable_model_warmup else 0,
            metrics=counts,
        )
        policy = LoadPolicy(
            poll_seconds=flags.file_system_poll_wait_seconds,
            threads=max(flags.num_load_threads, 1),
            retries=flags.max_num_load_retries,
            retry_seconds=max(flags.load_retry_interval_micros, 0) / 1e6,
        )
        self._manager = Manager(loader, policy, self._manager_died)
        self._core = Core(self._manager, flags.allow_version_labels_for_unavailable_models, self._stopping.is_set)
        log = RequestLog(flags.request_log, flags.request_log_share) if flags.request_log else None
        self._api = Api(self._core, runner, counts, log)
        self._stop = asyncio.Event()
        self._deadline = threading.Timer(flags.drain_seconds + LAST_SECONDS, self._give_up)
        self._deadline.daemon = True
        self._died = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def manager(self) -> Manager:
        """What loads and retires versions."""
        return self._manager

    async def run(self) -> None:
        """Loads the models, serves, and drains.

        Raises:
            ServingError: a model did not become available, or a port cannot be bound.
        """
        self._loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._end)
        # What is loaded by now stays: the collector need not look at it after each unload. Models come later.
        gc.collect()
        gc.freeze()
        self._manager.start()
        try:
            try:
                await asyncio.to_thread(self._core.reload_config, self._config)
            except ServingError:
                if self._stopping.is_set():
                    return
                raise
            await self._serve()
        finally:
            await asyncio.to_thread(self._manager.stop)

    def _end(self) -> None:
        if not self._stopping.is_set():
            self._deadline.start()
        self._stopping.set()
        self._stop.set()

    def ended(self) -> None:
        """Lifts the deadline of the end: to be called once the event loop, with all that it waits for, is closed."""
        self._deadline.cancel()

    def _give_up(self) -> None:
        """Ends the process: neither a thread that runs a model nor one that reads a dead volume can be ended otherwise."""
        LOG.error("Not drained after %g s: what still runs is given up", self._flags.drain_seconds + LAST_SECONDS)
        os._exit(1)

    def _manager_died(self) -> None:
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._died.set)

    async def _serve(self) -> None:
        flags = self._flags
        with (
            ThreadPoolExecutor(flags.grpc_max_threads, "grpc") as grpc_threads,
            ThreadPoolExecutor(RELOADS, "reload") as reload_threads,
            ThreadPoolExecutor(flags.rest_api_num_threads, "rest") as rest_threads,
        ):
            gate = Gate(flags.max_concurrent_requests)
            reloads = reload_threads if flags.enable_reload_config else None
            rpc = grpc_server.GrpcServer(self._api, grpc_threads, reloads, gate, self._arguments)
            addresses = [f"{_bracketed(flags.host)}:{flags.port}"] if flags.port else []
            if flags.grpc_socket_path:
                addresses.append(f"unix:{flags.grpc_socket_path}")
            for address in addresses:
                rpc.listen(address, self._credentials)
            http = await self._start_http(rest_threads, gate)
            await rpc.start()
            for address in addresses:
                LOG.info("Running gRPC ModelServer at %s ...", address.replace("unix:", "UNIX socket "))
            if http:
                LOG.info("Exporting HTTP/REST API at:%s:%d ...", _shown(flags.host), flags.rest_api_port)
            tasks = [asyncio.create_task(self._poll_config()), asyncio.create_task(self._watch_manager(rpc))]
            await self._stop.wait()
            LOG.info("Draining")
            for task in tasks:
                task.cancel()
            await asyncio.gather(rpc.stop(flags.drain_seconds), *([http.cleanup()] if http else []))
        LOG.info("Stopped")

    async def _watch_manager(self, rpc: grpc_server.GrpcServer) -> None:
        await self._died.wait()
        await rpc.not_serving()

    async def _start_http(self, threads: ThreadPoolExecutor, gate: Gate) -> web.AppRunner | None:
        flags = self._flags
        if not flags.rest_api_port:
            return None
        rest = RestApi(self._api, threads, gate, flags.rest_api_timeout_in_ms / 1e3, flags.rest_api_enable_cors_support)
        application = rest.application(flags.rest_api_max_body_bytes, self._metrics_path)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=flags.drain_seconds)
        await runner.setup()
        try:
            await web.TCPSite(runner, flags.host, flags.rest_api_port).start()
        except OSError as error:
            await runner.cleanup()
            raise invalid_argument(f"Failed to bind REST to {flags.host}:{flags.rest_api_port}: {error}") from error
        return runner

    async def _poll_config(self) -> None:
        """Applies the configuration file again and again; one that cannot be used changes nothing.

        A model whose path holds no version yet is waited for until the next look, and no longer: the rest of the file holds
        already, and the next file may be a better one.
        """
        seconds = self._flags.model_config_file_poll_wait_seconds
        while seconds > 0 and self._flags.model_config_file:
            await asyncio.sleep(seconds)
            try:
                config = await asyncio.to_thread(_model_config, self._flags)
                await asyncio.to_thread(self._core.reload_config, config, _over(time.monotonic() + seconds))
            except ServingError as error:
                LOG.error("Reading %s again failed: %s", self._flags.model_config_file, error)


def _over(end: float) -> Callable[[], bool]:
    """Whether a time of the monotonic clock has passed."""
    return lambda: time.monotonic() > end


def _model_config(flags: Flags) -> Any:
    if flags.model_config_file:
        return protos.read_text(flags.model_config_file, model_server_config_pb2.ModelServerConfig())
    return single_model(flags.model_name, flags.model_base_path)


def _metrics_path(flags: Flags) -> str | None:
    if not flags.monitoring_config_file:
        return None
    config: Any = protos.read_text(flags.monitoring_config_file, MonitoringConfig())
    return (config.prometheus_config.path or metrics.DEFAULT_PATH) if config.prometheus_config.enable else None


def _runner(flags: Flags) -> Runner:
    if not flags.enable_batching:
        return BoundedRunner(DirectRunner(), flags.max_candidates, flags.max_scores)
    parameters: Any = BatchingParameters()
    if flags.batching_parameters_file:
        protos.read_text(flags.batching_parameters_file, parameters)
    batching = BatchingRunner(BatchingOptions.from_parameters(parameters, os.cpu_count() or 1))
    return BoundedRunner(batching, flags.max_candidates, flags.max_scores)


def _session_config(flags: Flags) -> config_pb2.ConfigProto:
    config = config_pb2.ConfigProto()
    if flags.tensorflow_session_config_file:
        protos.read_text(flags.tensorflow_session_config_file, config)
    intra = flags.tensorflow_intra_op_parallelism or flags.tensorflow_session_parallelism
    inter = flags.tensorflow_inter_op_parallelism or flags.tensorflow_session_parallelism
    config.intra_op_parallelism_threads = intra or config.intra_op_parallelism_threads
    config.inter_op_parallelism_threads = inter or config.inter_op_parallelism_threads
    return config


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _shown(host: str) -> str:
    # TensorFlow Serving's line says localhost whatever it binds to, and tools wait for that.
    return "localhost" if host in ("127.0.0.1", "::1", "0.0.0.0", "::") else _bracketed(host)
