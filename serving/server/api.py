"""What the server answers, whichever way it is asked, gRPC or REST, and how many requests at a time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar

import grpc
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
)

from serving.server import example_methods, predict
from serving.server.core import Core, Servable
from serving.server.errors import ServingError, invalid_argument, not_found
from serving.server.metrics import Metrics
from serving.server.request_log import RequestLog
from serving.server.saved_model import Runner
from serving.server.tensors import Array
from serving.server.version import Version

T = TypeVar("T")

SIGNATURE_DEF = "signature_def"


class Api:
    """The calls of PredictionService and ModelService. Each raises ServingError if it cannot be answered.

    Args:
        core: of the models.
        runner: runs them.
        metrics: counts.
        log: what Predict was asked over gRPC and has answered; None keeps nothing.
    """

    def __init__(self, core: Core, runner: Runner, metrics: Metrics, log: RequestLog | None = None) -> None:
        self._log = log
        self.core = core
        self.metrics = metrics
        self._runner = runner

    def label(self, name: str) -> str:
        """A model's name for a metric. Unknown names count as one, or a caller could fill the memory with them."""
        return name if self.core.knows(name) else ""

    def predict(self, request: Any) -> Any:
        with self.core.servable(_model_spec(request)) as servable:
            response = predict.predict(servable, request, self._runner, self.metrics)
        if self._log is not None:
            self._log.add(request, response)
        return response

    def run(self, servable: Servable, signature: Any, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """Runs a signature of a held servable on arrays that fit it."""
        return predict.run(servable, signature, arrays, (), self._runner, self.metrics)

    def classify(self, request: Any) -> Any:
        with self.core.servable(_model_spec(request)) as servable:
            return example_methods.classify(servable, request, self._runner, self.metrics)

    def regress(self, request: Any) -> Any:
        with self.core.servable(_model_spec(request)) as servable:
            return example_methods.regress(servable, request, self._runner, self.metrics)

    def multi_inference(self, request: Any) -> inference_pb2.MultiInferenceResponse:
        spec = request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
        with self.core.servable(spec) as servable:
            return example_methods.multi_inference(servable, request, self._runner, self.metrics)

    def get_model_metadata(self, request: Any) -> get_model_metadata_pb2.GetModelMetadataResponse:
        spec = _model_spec(request)
        if not request.metadata_field:
            raise invalid_argument("GetModelMetadataRequest must specify at least one metadata_field")
        for field in request.metadata_field:
            if field != SIGNATURE_DEF:
                raise invalid_argument(f"Metadata field {field} is not supported")
        response = get_model_metadata_pb2.GetModelMetadataResponse()
        with self.core.servable(spec) as servable:
            response.model_spec.name = servable.name
            response.model_spec.version.value = servable.version
            found = get_model_metadata_pb2.SignatureDefMap(signature_def=servable.model.signatures)
        response.metadata[SIGNATURE_DEF].Pack(found)
        return response

    def get_model_status(self, request: Any) -> get_model_status_pb2.GetModelStatusResponse:
        spec = _model_spec(request)
        number = self.core.version_number(spec)
        versions = self.core.manager.versions(spec.name)
        if number is None and not versions:
            raise not_found(f"Could not find any versions of model {spec.name}")
        if number is not None:
            versions = [version for version in versions if version.number == number]
            if not versions:
                raise not_found(f"Could not find version {number} of model {spec.name}")
        response = get_model_status_pb2.GetModelStatusResponse()
        for version in versions:
            _fill_status(response.model_version_status.add(), version)
        return response

    def reload_config(self, request: Any, cancelled: Callable[[], bool]) -> model_management_pb2.ReloadConfigResponse:
        if request.config.WhichOneof("config") != "model_config_list":
            raise invalid_argument(
                "ServerModelConfig type not supported by HandleReloadConfigRequest. "
                "Only ModelConfigList is currently supported"
            )
        before = {name: self.metrics.value(name) for name in request.metric_names}
        self.core.reload_config(request.config, cancelled)
        response = model_management_pb2.ReloadConfigResponse()
        response.status.error_code = 0
        for name, value in before.items():
            response.metric.add(name=name, int64_value_increase=self.metrics.value(name) - value)
        return response


class Gate:
    """Lets so many requests be under way at once, queued ones included, and refuses the others.

    Args:
        limit: of requests.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way = 0
        self._lock = threading.Lock()

    def submit(self, executor: Executor, call: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Runs a call in a thread. Its place is free again once the thread is done, even if nobody waits any more.

        Raises:
            ServingError: RESOURCE_EXHAUSTED, all places are taken.
        """
        with self._lock:
            if self._under_way >= self._limit:
                raise ServingError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED, f"The server has {self._limit} requests under way, its limit"
                )
            self._under_way += 1
        try:
            future = executor.submit(call, *arguments)
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(lambda _: self._leave())
        return asyncio.wrap_future(future)

    def _leave(self) -> None:
        with self._lock:
            self._under_way -= 1


def _model_spec(request: Any) -> Any:
    if not request.HasField("model_spec"):
        raise invalid_argument("Missing ModelSpec")
    return request.model_spec


def _fill_status(status: Any, version: Version) -> None:
    status.version = version.number
    status.state = version.state
    error: ServingError | None = version.error
    status.status.error_code = error.number if error else 0
    status.status.error_message = error.message if error else ""
