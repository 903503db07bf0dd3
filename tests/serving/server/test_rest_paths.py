"""URLs of the REST API."""

from __future__ import annotations

import pytest

from serving.server.errors import ServingError
from serving.server.rest_app import parse_url


@pytest.mark.parametrize(
    ("http_method", "path", "name", "version", "label", "method"),
    [
        ("POST", "/v1/models/m:predict", "m", 0, "", "predict"),
        ("POST", "/v1/models/m/versions/12:classify", "m", 12, "", "classify"),
        ("POST", "/v1/models/m/labels/canary:regress", "m", 0, "canary", "regress"),
        ("POST", "/V1/Models/m%20n:PREDICT", "m n", 0, "", "predict"),
        ("GET", "/v1/models/m", "m", 0, "", "status"),
        ("GET", "/v1/models/m/versions/12", "m", 12, "", "status"),
        ("GET", "/v1/models/m/labels/canary/metadata", "m", 0, "canary", "metadata"),
    ],
)
def test_a_url_names_a_model_and_what_is_asked(
    http_method: str, path: str, name: str, version: int, label: str, method: str
) -> None:
    target = parse_url(http_method, path)
    assert (target.spec.name, target.spec.version.value, target.spec.version_label) == (name, version, label)
    assert target.method == method


@pytest.mark.parametrize(
    ("http_method", "path"),
    [
        ("GET", "/v1/models/m:predict"),
        ("POST", "/v1/models/m"),
        ("POST", "/v1/models/:predict"),
        ("POST", "/v1/models/m/versions/x:predict"),
        ("POST", "/v1/models/m:train"),
        ("GET", "/v1/models/m/"),
        ("PUT", "/v1/models/m:predict"),
    ],
)
def test_other_urls_are_malformed(http_method: str, path: str) -> None:
    with pytest.raises(ServingError) as caught:
        parse_url(http_method, path)
    assert caught.value.http_status == 400
    assert caught.value.message == f"Malformed request: {http_method} {path}"


def test_a_url_must_name_a_model_and_a_version_of_64_bits() -> None:
    with pytest.raises(ServingError, match="Missing model name"):
        parse_url("GET", "/v1/models")
    with pytest.raises(ServingError, match="Failed to convert version: 9223372036854775808"):
        parse_url("GET", f"/v1/models/m/versions/{2**63}")
    with pytest.raises(ServingError, match="Failed to decode model name"):
        parse_url("GET", "/v1/models/%ff")
