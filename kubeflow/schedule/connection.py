"""The way to the server: authentication as kfp.Client offers it, and a first question that tells what is wrong."""

from __future__ import annotations

import dataclasses
import re
import warnings
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

import kfp
import kfp_server_api
from kfp.client.set_volume_credentials import ServiceAccountTokenVolumeCredentials
from kfp_server_api.rest import RESTClientObject

from kubeflow.schedule.errors import (
    AuthenticationError,
    NotFoundError,
    UnreachableError,
    UsageError,
    WrongVersionError,
)
from kubeflow.schedule.translation import translated

_TIMEOUT = (10, 60)  # seconds: to connect, to read
_OLDEST_SERVER = (2, 14)  # the package needs it (kubeflow/compiler.py)
# Since then a recurring run can be deleted without the runs that it started (propagation_policy of DeleteRecurringRun).
_FIRST_TO_ORPHAN = (2, 16)
_UNSET_NAMESPACE = "kubeflow"  # what kfp.Client takes for "none given"


@dataclasses.dataclass(frozen=True)
class Connection:
    """How to reach the server. What is None, kfp.Client takes from its own variables (KF_PIPELINES_...) or the cluster.

    Attributes:
        host: The API's address. None: the cluster that this process runs in, else that of the kube configuration.
        namespace: The profile's namespace on a server of many users.
        ui_host: The user interface's address, for links. None: the same as the API's.
        existing_token: A bearer token.
        token_file: The path of a bearer token, read anew for each request, so that a new one may follow an expired one; the
            empty string for Kubeflow's usual path of a service account's projected token.
        cookies: The value of the Cookie header, as a log-in page hands it out.
        cookies_file: The path of such a value, read anew for each request.
        client_id, other_client_id, other_client_secret: Google's Identity-Aware Proxy.
        proxy, ssl_ca_cert, kube_context: As kfp.Client.
        verify_ssl: Whether the server's certificate is checked.
    """

    host: str | None = None
    namespace: str | None = None
    ui_host: str | None = None
    existing_token: str | None = None
    token_file: str | None = None
    cookies: str | None = None
    cookies_file: Path | None = None
    client_id: str | None = None
    other_client_id: str | None = None
    other_client_secret: str | None = None
    proxy: str | None = None
    ssl_ca_cert: str | None = None
    kube_context: str | None = None
    verify_ssl: bool = True


class Server:
    """A server that has answered, with what it says of itself.

    Attributes:
        client: kfp's client.
        host: The address.
        namespace: None on a server of one user.
        version: The server's tag, e.g. `2.15.0`; `unknown` if it was built without one.
    """

    def __init__(self, connection: Connection) -> None:
        """Connects and asks for the server's health.

        Raises:
            UnreachableError, WrongVersionError, AuthenticationError, UsageError: What is wrong, in this order.
        """
        with translated(connection.host or "the cluster"):
            self.client = _Client(connection)
        self.host: str = self.client.api.configuration.host
        health = self._health()
        # The user interface, which stands before the API at one address with it, answers this one question in its own words.
        if health.get("apiServerReady") is False:
            raise UnreachableError(f"The user interface at {self.host} does not reach the API server behind it.")
        self.version = str(health.get("tag_name") or health.get("apiServerTagName") or "unknown")
        version = _numbers(self.version)
        if version and not _OLDEST_SERVER <= version < (3, 0):
            raise WrongVersionError(f"The server must be Kubeflow Pipelines 2, from 2.14 on. {self.host} is {self.version}.")
        self._ui_host = (connection.ui_host or self.host).rstrip("/")
        self.namespace = connection.namespace or self.client.get_user_namespace() or None
        if health.get("multi_user") and not self.namespace:
            raise UsageError(f"`--namespace` must be given: {self.host} has many users. Received: none.")

    @property
    def orphans(self) -> bool:
        """Whether it can delete a recurring run and not the runs that it started; False if its version is unknown."""
        version = _numbers(self.version)
        return version is not None and version >= _FIRST_TO_ORPHAN

    @property
    def warning(self) -> str | None:
        """What is to be said if the server is older than the SDK that compiles the package, else None."""
        server, sdk = _numbers(self.version), _numbers(kfp.__version__)
        if not server or not sdk or server >= sdk:
            return None
        return f"The server ({self.version}) is older than the SDK ({kfp.__version__}): it may not know all of the package."

    def link(self, path: str) -> str:
        """The page of the user interface for e.g. `runs/details/ID`."""
        return f"{self._ui_host}/#/{path}"

    def _health(self) -> dict[str, Any]:
        with translated(self.host):
            try:
                return self._get("/apis/v2beta1/healthz")
            except kfp_server_api.ApiException as error:
                if error.status != 404:
                    raise
            try:
                old = self._get("/apis/v1beta1/healthz")
            except kfp_server_api.ApiException as error:
                raise UnreachableError(
                    f"{self.host} is not an address of Kubeflow Pipelines: it has no such API."
                ) from error
        raise WrongVersionError(
            f"The server must speak v2beta1 (Kubeflow Pipelines 2). {self.host} speaks only v1beta1"
            f" ({old.get('tag_name') or 'version unknown'})."
        )

    def _get(self, path: str) -> dict[str, Any]:
        answer = self.client.api.call_api(
            path, "GET", response_type="object", auth_settings=["Bearer"], _return_http_data_only=True
        )
        if not isinstance(answer, dict):
            raise UnreachableError(f"{self.host} is not an address of Kubeflow Pipelines: it does not answer with JSON.")
        return answer


class _RestClient(RESTClientObject):
    """Adds what the generated client lacks: a time limit, fresh cookies, and an eye for log-in pages (status 200)."""

    def __init__(self, configuration: kfp_server_api.Configuration, cookies_file: Path | None) -> None:
        super().__init__(configuration)
        self._cookies_file = cookies_file

    def request(self, method: str, url: str, **options: Any) -> Any:
        if self._cookies_file is not None:
            options["headers"] = {**(options.get("headers") or {}), "Cookie": self._cookies_file.read_text().strip()}
        response = super().request(
            method, url, **options | {"_request_timeout": options.get("_request_timeout") or _TIMEOUT}
        )
        if "text/html" in (response.getheader("Content-Type") or ""):
            raise AuthenticationError(
                f"{url} answers with a page for a browser, as a log-in does: the token or cookie may be missing or expired."
            )
        return response


class _Client(kfp.Client):
    def __init__(self, connection: Connection) -> None:
        settings = dataclasses.asdict(connection)
        token_file, cookies_file = settings.pop("token_file"), settings.pop("cookies_file")
        credentials = None if token_file is None else ServiceAccountTokenVolumeCredentials(token_file or None)
        settings["namespace"] = settings["namespace"] or _UNSET_NAMESPACE
        with warnings.catch_warnings(), redirect_stdout(StringIO()) as said:
            warnings.simplefilter("ignore")
            super().__init__(**settings, credentials=credentials)
        self.api: kfp_server_api.ApiClient = self.healthzs.api_client
        self.api.rest_client = _RestClient(self.api.configuration, cookies_file)
        if "Failed to load kube config" in said.getvalue():
            raise UsageError("`--host` must be given outside a cluster without a kube configuration. Received: none.")

    def get_kfp_healthz(self, sleep_duration: int = 5) -> kfp_server_api.V2beta1GetHealthzResponse:
        """Spares the constructor its five attempts: Server asks, once, and tells what is wrong."""
        return kfp_server_api.V2beta1GetHealthzResponse(multi_user=False)


def not_found(kind: str, name: str, known: list[str]) -> NotFoundError:
    """The error for a name that the server does not have, with those that it has."""
    return NotFoundError(f"There is no {kind} {name!r}. There is: {', '.join(sorted(known)) or 'none'}.")


def _numbers(version: str) -> tuple[int, int] | None:
    found = re.match(r"v?(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else None
