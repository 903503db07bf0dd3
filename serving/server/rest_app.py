"""The REST API on aiohttp: /v1/models/NAME[/versions/N|/labels/L][:predict|:classify|:regress|/metadata]."""

from __future__ import annotations

import asyncio
import logging
import re
from concurrent.futures import Executor
from typing import NamedTuple
from urllib.parse import unquote

from aiohttp import web
from google.protobuf import json_format
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    regression_pb2,
)

from serving.server import json_examples, json_input, json_output, json_values
from serving.server.api import SIGNATURE_DEF, Api, Gate
from serving.server.errors import ServingError, failed_precondition, invalid_argument
from serving.server.predict import find_signature, unknown_to_json

_WHICH = r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_CALL = re.compile(rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<method>classify|regress|predict)", re.IGNORECASE)
_READ = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?:/(?P<method>metadata))?", re.IGNORECASE)

LOG = logging.getLogger(__name__)

_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


class Target(NamedTuple):
    """What a URL asks of which model."""

    spec: model_pb2.ModelSpec
    method: str


class RestApi:
    """Answers HTTP requests.

    Args:
        api: answers.
        executor: its threads parse, run and format.
        gate: bounds the requests under way that run a model.
        timeout_seconds: for receiving and answering one request; 0 or less: none.
        cors: adds CORS headers to the answers.
    """

    def __init__(self, api: Api, executor: Executor, gate: Gate, timeout_seconds: float, cors: bool = False) -> None:
        self._api = api
        self._gate = gate
        self._executor = executor
        self._timeout = timeout_seconds if timeout_seconds > 0 else None
        self._headers = _CORS if cors else {}

    def application(self, max_body_bytes: int, metrics_path: str | None) -> web.Application:
        """The aiohttp application.

        Args:
            max_body_bytes: larger bodies are refused with 413.
            metrics_path: where to serve Prometheus metrics; None: nowhere.
        """
        application = web.Application(client_max_size=max_body_bytes)
        if metrics_path:
            application.router.add_get(metrics_path, self._metrics)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(text=self._api.metrics.exposition(), content_type="text/plain")

    async def _handle(self, request: web.Request) -> web.Response:
        path = request.rel_url.raw_path
        if not path.lower().startswith("/v1/"):
            return self._reply(404, json_output.error(f"Not found: {path}"))
        try:
            async with asyncio.timeout(self._timeout):
                if request.method == "OPTIONS":
                    return self._preflight(request)
                body = await request.read()
                if request.method == "POST":
                    answer = self._gate.submit(self._executor, self.answer, request.method, path, body)
                    return self._reply(200, await answer)
                loop = asyncio.get_running_loop()
                answered = await loop.run_in_executor(self._executor, self.answer, request.method, path, body)
                return self._reply(200, answered)
        except ServingError as error:
            return self._reply(error.http_status, json_output.error(error.message))
        except TimeoutError:
            return self._reply(504, json_output.error("Timed out"))
        except ConnectionError:  # the caller left; this answer reaches nobody
            return self._reply(499, json_output.error("Connection lost"))
        except web.RequestPayloadError as error:
            return self._reply(400, json_output.error(f"Malformed request body: {error}"))
        except web.HTTPException as error:  # the body is too large
            return self._reply(error.status, json_output.error(error.text or error.reason))
        except Exception as error:
            LOG.exception("%s %s failed", request.method, path)
            return self._reply(500, json_output.error(f"{type(error).__name__}: {error}"))

    def _preflight(self, request: web.Request) -> web.Response:
        if not request.headers.get("Origin", "").startswith(("http://", "https://")):
            raise failed_precondition("Origin header is missing in CORS preflight")
        return self._reply(200, "")

    def _reply(self, status: int, body: str) -> web.Response:
        data = body.encode("utf-8", "surrogateescape")
        return web.Response(status=status, body=data, content_type="application/json", headers=self._headers)

    def answer(self, http_method: str, raw_path: str, body: bytes) -> str:
        """The JSON that answers a request; ServingError if there is none."""
        target = parse_url(http_method, raw_path)
        if http_method == "GET":
            return self._metadata(target) if target.method == "metadata" else self._status(target)
        name = self._api.label(target.spec.name)
        with self._api.metrics.request(name, target.method, "REST"):
            document = json_values.parse(body)
            if target.method == "predict":
                return self._predict(target, document)
            if target.method == "classify":
                request = classification_pb2.ClassificationRequest(model_spec=target.spec)
                json_examples.fill_request(document, request)
                return json_output.classifications(self._api.classify(request).result)
            regression = regression_pb2.RegressionRequest(model_spec=target.spec)
            json_examples.fill_request(document, regression)
            return json_output.regressions(self._api.regress(regression).result)

    def _predict(self, target: Target, document: dict[str, object]) -> str:
        with self._api.core.servable(target.spec) as servable:
            name = json_input.signature_name(document)
            signature = find_signature(servable.model, name, unknown_to_json)
            arrays, in_rows = json_input.predict_inputs(document, signature.inputs)
            return json_output.predictions(self._api.run(servable, signature, arrays), in_rows)

    def _status(self, target: Target) -> str:
        response = self._api.get_model_status(get_model_status_pb2.GetModelStatusRequest(model_spec=target.spec))
        return _to_json(response)

    def _metadata(self, target: Target) -> str:
        request = get_model_metadata_pb2.GetModelMetadataRequest(model_spec=target.spec, metadata_field=[SIGNATURE_DEF])
        response = self._api.get_model_metadata(request)
        found = get_model_metadata_pb2.SignatureDefMap()
        response.metadata[SIGNATURE_DEF].Unpack(found)
        return f'{{"model_spec": {_to_json(response.model_spec)}, "metadata": {{"{SIGNATURE_DEF}": {_to_json(found)}}}}}'


def _to_json(message: object) -> str:
    return str(
        json_format.MessageToJson(message, always_print_fields_with_no_presence=True, preserving_proto_field_name=True)
    )


def parse_url(http_method: str, raw_path: str) -> Target:
    """Reads a URL.

    Args:
        http_method: GET or POST.
        raw_path: the path as it was sent, escapes included.

    Returns:
        The model, and `predict`, `classify`, `regress`, `metadata` or `status`.

    Raises:
        ServingError: INVALID_ARGUMENT, it is none of the API's URLs, or the version does not fit 64 bits.
    """
    match = {"POST": _CALL, "GET": _READ}[http_method].fullmatch(raw_path) if http_method in ("POST", "GET") else None
    if match is None:
        raise invalid_argument(f"Malformed request: {http_method} {raw_path}")
    if not match["name"]:
        raise invalid_argument("Missing model name in request.")
    spec = model_pb2.ModelSpec(name=_decoded("model name", match["name"]))
    if match["version"]:
        if int(match["version"]) >= 2**63:
            raise invalid_argument(f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = int(match["version"])
    if match["label"]:
        spec.version_label = _decoded("model version label", match["label"])
    return Target(spec, (match["method"] or "status").lower())


def _decoded(what: str, text: str) -> str:
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid_argument(f"Failed to decode {what}:{text}") from error
