"""Predict over REST."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
import urllib3
from numpy.typing import NDArray

from serving.client.errors import InvalidResponseError, ServerError, server_error
from serving.client.transport import TLS, Arrays, Strings, chosen

# As TensorFlow Serving turns its statuses into HTTP's; a proxy in between says 502 when it finds no server.
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class RestTransport:
    """Calls a model's signatures over REST; see `Transport`.

    Args:
        target: str. `host:port`, or a URL that the service's paths are appended to.
        model_name: str. The model.
        version: int. The model's version. Defaults to `None`, the latest one served.
        tls: TLS. Files for an encrypted connection; a `host:port` is then asked over https. Defaults to `None`.
    """

    def __init__(self, target: str, model_name: str, version: int | None = None, tls: TLS | None = None) -> None:
        self._target = target
        base = target if "://" in target else f"{'https' if tls else 'http'}://{target}"
        self._model = f"{base.rstrip('/')}/v1/models/{quote(model_name, safe='')}"
        self._version = "" if version is None else f"/versions/{version}"
        self._pool = urllib3.PoolManager(maxsize=64, retries=False, ssl_context=_context(tls) if tls else None)

    def predict(
        self, signature: str, inputs: Mapping[str, Strings], outputs: Sequence[str], timeout: float, label: str | None = None
    ) -> Arrays:
        body = json.dumps({"signature_name": signature, "inputs": dict(inputs)}).encode()
        which = self._version if label is None else f"/labels/{quote(label, safe='')}"
        try:
            response = self._pool.request(
                "POST",
                f"{self._model}{which}:predict",
                body=body,
                headers={"Content-Type": "application/json"},
                timeout=urllib3.Timeout(total=timeout),
            )
        except urllib3.exceptions.ReadTimeoutError as error:
            raise server_error("DEADLINE_EXCEEDED", f"no answer within {timeout:.3g} s", self._target) from error
        except urllib3.exceptions.HTTPError as error:
            raise server_error("UNAVAILABLE", str(error), self._target) from error
        if response.status != 200:
            raise self._refused(response.status, response.data)
        return chosen(_outputs(response.data, outputs), outputs)

    def close(self) -> None:
        self._pool.clear()

    def _refused(self, status: int, data: bytes) -> ServerError:
        try:
            message = json.loads(data)["error"]
        except (ValueError, KeyError, TypeError):
            message = data[:200].decode(errors="replace")
        return server_error(_CODES.get(status, f"HTTP {status}"), str(message), self._target)


def _context(tls: TLS) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.authorities)
    if tls.certificate is not None:
        context.load_cert_chain(tls.certificate, tls.key)
    return context


def _outputs(data: bytes, names: Sequence[str]) -> Arrays:
    try:
        outputs = json.loads(data)["outputs"]
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidResponseError(f'The answer must be JSON with "outputs". Received: {data[:200]!r}.') from error
    # The only output of a signature comes without its name.
    if not isinstance(outputs, dict):
        outputs = {names[0]: outputs}
    return Arrays({name: _array(outputs[name], name) for name in names if name in outputs})


def _array(values: Any, name: str) -> NDArray[Any]:
    try:
        array = np.array(values)
        return array.astype(object) if array.dtype.kind in "US" else array.astype(np.float32)
    except (ValueError, TypeError) as error:
        raise InvalidResponseError(f"Output `{name}` must be a full array of numbers or of strings.") from error
