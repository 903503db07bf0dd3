"""The API client's exceptions as the schedule's own errors."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

import kfp_server_api
import urllib3
from google.auth.exceptions import GoogleAuthError

from kubeflow.schedule.errors import AuthenticationError, NotFoundError, RefusedError, ScheduleError, UnreachableError


@contextmanager
def translated(host: str) -> Iterator[None]:
    """Turns the API client's exceptions into ScheduleErrors, with the server's own words."""
    try:
        yield
    except kfp_server_api.ApiException as error:
        raise _of_status(error, host) from error
    except urllib3.exceptions.HTTPError as error:
        reason = getattr(error, "reason", None) or error
        raise UnreachableError(f"Kubeflow Pipelines does not answer at {host}: {reason}") from error
    except (GoogleAuthError, OSError) as error:
        # kfp.Client looks for credentials when it is made, and whenever it needs them.
        raise AuthenticationError(f"There are no credentials for {host}: {error}") from error


def _of_status(error: kfp_server_api.ApiException, host: str) -> ScheduleError:
    said = _said(error)
    if error.status in (401, 403):
        hint = "the token or the cookie may have expired" if error.status == 401 else "it may lack the right to do this"
        return AuthenticationError(f"{host} refuses the caller ({error.status}); {hint}. It says: {said}")
    if error.status == 404:
        return NotFoundError(f"{host} does not find what was asked for. It says: {said}")
    if error.status in (0, 502, 503, 504):
        return UnreachableError(f"Kubeflow Pipelines does not answer at {host} ({error.status}): {said}")
    return RefusedError(f"{host} refuses the request ({error.status}). It says: {said}")


def _said(error: kfp_server_api.ApiException) -> str:
    body = error.body.decode(errors="replace") if isinstance(error.body, bytes) else error.body or ""
    try:
        answer = json.loads(body)
    except ValueError:
        return body.strip() or str(error.reason)
    if not isinstance(answer, dict):
        return body
    return str(answer.get("message") or answer.get("error_message") or answer.get("error") or body)
