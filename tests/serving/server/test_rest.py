"""The REST API of a running server."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from typing import Any

import pytest

from serving.server import process


def call(server: process.RunningServer, path: str, body: Any = None, method: str | None = None) -> tuple[int, Any]:
    """Sends a request: POST if there is a body. Returns the status and the JSON."""
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.rest_url + path, data, method=method)
    try:
        answer = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        answer = error
    with answer:
        assert answer.headers["Content-Type"].startswith("application/json")
        return answer.status, json.loads(answer.read())


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("default:predict", {"instances": [2.0, 3, 4]}, {"predictions": [3.0, 3.5, 4.0]}),
        ("default:predict", {"inputs": [2.0, 3, 4]}, {"outputs": [3.0, 3.5, 4.0]}),
        ("default:predict", {"inputs": {"x": [0.1]}}, {"outputs": [2.05]}),
        ("default/versions/7:predict", {"instances": [2.0]}, {"predictions": [3.0]}),
        ("default/labels/stable:predict", {"instances": [2.0]}, {"predictions": [3.0]}),
        ("tf1:predict", {"instances": [[2.0]]}, {"predictions": [[3.0]]}),
        ("default:classify", {"signature_name": "classify_x_to_y", "examples": [{"x": 2.0}]}, {"results": [[["y", 3.0]]]}),
        ("tf1:classify", {"signature_name": "classify_x_to_y", "examples": [{"x": 2.0}]}, {"results": [[["", 3.0]]]}),
        ("default:regress", {"signature_name": "regress_x_to_y", "examples": [{"x": 2.0}] * 2}, {"results": [3.0, 3.0]}),
        (
            "default:predict",
            {"signature_name": "names", "instances": [{"x": 1, "words": ["red", {"b64": "Ymx1ZQ=="}]}]},
            {
                "predictions": [
                    {
                        "ids": [0, 2],
                        "words": ["red", "blue"],
                        "words_bytes": [{"b64": "cmVk"}, {"b64": "Ymx1ZQ=="}],
                        "y": 0.5,
                    }
                ]
            },
        ),
    ],
)
def test_models_answer_over_rest(server: process.RunningServer, path: str, body: Any, expected: Any) -> None:
    assert call(server, f"/v1/models/{path}", body) == (200, expected)


@pytest.mark.parametrize(
    ("path", "body", "status", "message"),
    [
        ("/v1/models/no_such:predict", {"instances": [1]}, 404, "Servable not found for request: Latest(no_such)"),
        (
            "/v1/models/default/versions/9:predict",
            {"inputs": [1]},
            404,
            "Servable not found for request: Specific(default, 9)",
        ),
        ("/v1/models/default/labels/x:predict", {"inputs": [1]}, 400, "Unrecognized servable version label: x"),
        ("/v1/models/default:train", {"inputs": [1]}, 400, "Malformed request: POST /v1/models/default:train"),
        ("/v1/models/default:predict", None, 400, "Malformed request: GET /v1/models/default:predict"),
        ("/v1/models/no_such", None, 404, "Could not find any versions of model no_such"),
        ("/v1/models", None, 400, "Missing model name in request."),
        ("/v2/models/default", None, 404, "Not found: /v2/models/default"),
        ("/v1/models/default:predict", b"", 400, "JSON Parse error: The document is empty"),
        (
            "/v1/models/default:predict",
            {"signature_name": "s", "inputs": [1]},
            400,
            'Serving signature name: "s" not found in signature def',
        ),
        ("/v1/models/default:predict", {"inputs": {"y": [1]}}, 400, "JSON object: does not have named input: y"),
    ],
)
def test_errors_are_json(server: process.RunningServer, path: str, body: Any, status: int, message: str) -> None:
    assert call(server, path, body) == (status, {"error": message})


def test_status_and_metadata_are_read_with_get(server: process.RunningServer) -> None:
    available = {"version": "7", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
    assert call(server, "/v1/models/default/versions/7") == (200, {"model_version_status": [available]})
    status, found = call(server, "/v1/models/tf1/metadata")
    assert status == 200
    assert found["model_spec"] == {"name": "tf1", "signature_name": "", "version": "123"}
    inputs = found["metadata"]["signature_def"]["signature_def"]["regress_x_to_y"]["inputs"]["inputs"]
    assert inputs == {
        "dtype": "DT_STRING",
        "tensor_shape": {"dim": [], "unknown_rank": True},
        "name": "tf_example:0",
    }


def test_metrics_count_requests_under_tensorflow_servings_names(server: process.RunningServer) -> None:
    def read(name: str) -> float:
        with urllib.request.urlopen(f"{server.rest_url}/monitoring/prometheus/metrics", timeout=20) as answer:
            text = answer.read().decode()
        assert "# TYPE :tensorflow:serving:request_count counter" in text
        assert "# TYPE :tensorflow:serving:request_latency histogram" in text
        found = re.search(rf"^{re.escape(name)} (.+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    ok = ':tensorflow:serving:request_count{model_name="default",status="OK"}'
    unknown = ':tensorflow:serving:request_count{model_name="",status="NOT_FOUND"}'
    timed = ':tensorflow:serving:request_latency_count{API="predict",entrypoint="REST",model_name="default"}'
    before = read(ok), read(unknown), read(timed)
    call(server, "/v1/models/default:predict", {"inputs": [1]})
    call(server, "/v1/models/anything:predict", {"inputs": [1]})
    assert (read(ok), read(unknown), read(timed)) == tuple(value + 1 for value in before)
