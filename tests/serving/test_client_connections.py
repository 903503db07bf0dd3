"""The client where connections break, and where they are encrypted."""

from __future__ import annotations

import re
import ssl
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from serving.client import TLS, RankingClient, ServerUnavailableError
from serving.server.process import RunningServer
from tests.serving.certificates import certificates
from tests.serving.proxy import proxy
from tests.serving.support import serve

pytestmark = pytest.mark.slow

USER = {
    "client_type": "0",
    "follow_topic_id": [],
    "all_topic_fav_7": {},
    "hist_topic_id": ["1"],
    "hist_keyword_id": ["2"],
}
CANDIDATES = [{"post_type": "1", "topic_id": "3", "keyword_id": "4"}]


def address(server: RunningServer, transport: str) -> str:
    return server.grpc_address if transport == "grpc" else server.rest_url.removeprefix("http://")


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_broken_connection_is_tried_again(server: RunningServer, transport: Any) -> None:
    with (
        proxy(address(server, transport), broken=2) as target,
        RankingClient(target, transport=transport, deadline=60, attempts=10) as client,
    ):
        assert len(client.rank(USER, CANDIDATES).items) == 1


@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_a_connection_that_stays_broken_is_an_error(server: RunningServer, transport: Any) -> None:
    with (
        proxy(address(server, transport), broken=1_000) as target,
        RankingClient(target, transport=transport, deadline=60, attempts=3) as client,
        pytest.raises(ServerUnavailableError),
    ):
        client.rank(USER, CANDIDATES)


def requests_served(server: RunningServer) -> int:
    """The requests that a server has answered, from its metrics."""
    with urllib.request.urlopen(f"{server.rest_url}/monitoring/prometheus/metrics") as answer:
        text = answer.read().decode()
    found = re.search(r'^:tensorflow:serving:request_count{[^}]*status="OK"} (\d+)', text, re.MULTILINE)
    return int(found[1]) if found else 0


def test_requests_go_to_all_servers_behind_a_name_and_past_one_that_ends(models: Path) -> None:
    metrics = "--monitoring_config_file=serving/config/monitoring.config"
    with (
        serve(models, metrics) as one,
        serve(models, metrics) as other,
        RankingClient(f"ipv4:{one.grpc_address},{other.grpc_address}", deadline=60, attempts=5) as client,
    ):
        end = time.monotonic() + 60
        while min(map(requests_served, (one, other))) < 10:
            assert time.monotonic() < end
            assert len(client.rank(USER, CANDIDATES).items) == 1
        one.process.terminate()
        one.process.wait(60)
        before = requests_served(other)
        for _ in range(10):
            assert len(client.rank(USER, CANDIDATES).items) == 1
        assert requests_served(other) == before + 10


def test_rest_is_encrypted_by_a_proxy_and_trusts_the_authority_given(server: RunningServer, tmp_path: Path) -> None:
    files = {name: str(path) for name, path in certificates(tmp_path).items()}
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=files["ca.crt"])
    context.load_cert_chain(files["server.crt"], files["server.key"])
    context.verify_mode = ssl.CERT_REQUIRED
    known = TLS(files["ca.crt"], files["client.crt"], files["client.key"])
    with proxy(address(server, "rest"), context) as target:
        with RankingClient(target, transport="rest", tls=known, deadline=60) as client:
            assert len(client.rank(USER, CANDIDATES).items) == 1
        for tls in (TLS(), TLS(files["ca.crt"]), None):
            with (
                RankingClient(target, transport="rest", tls=tls, attempts=1) as client,
                pytest.raises(ServerUnavailableError),
            ):
                client.rank(USER, CANDIDATES)


def test_grpc_is_encrypted_with_certificates_on_both_sides(models: Path, tmp_path: Path) -> None:
    files = certificates(tmp_path)
    quoted = {name: path.read_text().replace("\n", "\\n") for name, path in files.items()}
    (tmp_path / "ssl.config").write_text(
        f'server_key: "{quoted["server.key"]}" server_cert: "{quoted["server.crt"]}" '
        f'custom_ca: "{quoted["ca.crt"]}" client_verify: true'
    )
    ca, certificate, key = (str(files[name]) for name in ("ca.crt", "client.crt", "client.key"))
    with serve(models, f"--ssl_config_file={tmp_path / 'ssl.config'}") as server:
        with RankingClient(server.grpc_address, tls=TLS(ca, certificate, key), deadline=60) as client:
            assert len(client.rank(USER, CANDIDATES).items) == 1
        for tls in (TLS(), TLS(ca), None):
            with RankingClient(server.grpc_address, tls=tls, attempts=1) as client, pytest.raises(ServerUnavailableError):
                client.rank(USER, CANDIDATES)
