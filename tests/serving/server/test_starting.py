"""How a server starts, or says why it cannot; TLS."""

from __future__ import annotations

import functools
import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from serving.server import process
from serving.server.main import main
from tests.serving.certificates import certificates
from tests.serving.server import models
from tests.serving.server.calls import code, predict


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "serving", *flags], capture_output=True, text=True, timeout=120, check=False
    )


@pytest.mark.slow
def test_tls_admits_callers_with_a_certificate_only(half_plus_two: Path, tmp_path: Path) -> None:
    models.copy_version(half_plus_two, tmp_path / "models" / "1")
    files = certificates(tmp_path)
    quoted = {name: path.read_text().replace("\n", "\\n") for name, path in files.items()}
    config = tmp_path / "ssl.txt"
    config.write_text(
        f'server_key: "{quoted["server.key"]}" server_cert: "{quoted["server.crt"]}" '
        f'custom_ca: "{quoted["ca.crt"]}" client_verify: true'
    )
    authority, key, certificate = (files[name].read_bytes() for name in ("ca.crt", "client.key", "client.crt"))
    with process.start(f"--model_base_path={tmp_path}/models", f"--ssl_config_file={config}") as server:
        known = grpc.ssl_channel_credentials(authority, key, certificate)
        with grpc.secure_channel(server.grpc_address, known) as channel:
            assert predict(channel, "default") == [3.0]
        for refused in (
            grpc.secure_channel(server.grpc_address, grpc.ssl_channel_credentials(authority)),
            grpc.insecure_channel(server.grpc_address),
        ):
            with refused as channel:
                assert code(functools.partial(predict, channel, "default")) == grpc.StatusCode.UNAVAILABLE


def test_a_server_that_cannot_start_says_why(
    server: process.RunningServer, half_plus_two: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bad_file = tmp_path / "bad.txt"
    bad_file.write_text("improperly formatted file")
    assert main([f"--model_config_file={bad_file}"]) == 1
    assert "Error parsing text-format tensorflow.serving.ModelServerConfig" in caplog.text
    assert f"INVALID_ARGUMENT: Invalid protobuf file: '{bad_file}'" in caplog.text

    (tmp_path / "broken" / "1").mkdir(parents=True)
    (tmp_path / "broken" / "1" / "saved_model.pb").write_bytes(b"\xff" * 100)
    assert main([f"--model_base_path={tmp_path}/broken", "--max_num_load_retries=0"]) == 1
    assert "Failed to start server. Error: UNKNOWN: 1 model(s) did not become available" in caplog.text

    models.copy_version(half_plus_two, tmp_path / "good" / "1")
    taken = server.grpc_address.rpartition(":")[2]
    assert main([f"--model_base_path={tmp_path}/good", f"--port={taken}"]) == 1
    assert "Failed to bind gRPC" in caplog.text
    taken = server.rest_url.rpartition(":")[2]
    socket = f"--grpc_socket_path={tmp_path}/socket"
    assert main([f"--model_base_path={tmp_path}/good", "--port=0", socket, f"--rest_api_port={taken}"]) == 1
    assert "Failed to bind REST" in caplog.text


def test_an_unknown_flag_ends_the_process_at_once() -> None:
    ended = run("--no_such_flag")
    assert ended.returncode == 2
    assert "unrecognized arguments: --no_such_flag" in ended.stderr
