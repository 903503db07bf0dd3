"""What is wrong with the way to the server is told, each with an exit status of its own."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from kubeflow.schedule.cli import main
from tests.kubeflow.schedule.kfp_server import KfpServer


def listed(server: KfpServer, *arguments: str, **environment: str) -> int:
    return main(["list", "--host", server.host, *arguments], environment)


def test_a_server_that_does_not_answer_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        host = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert main(["list", "--host", host], {}) == 3
    assert f"does not answer at {host}" in capsys.readouterr().err


def test_an_address_of_something_else_is_told(server: KfpServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "--host", f"{server.host}/pipeline"], {}) == 3
    assert "is not an address of Kubeflow Pipelines" in capsys.readouterr().err


def test_a_server_of_another_version_is_told(server: KfpServer, capsys: pytest.CaptureFixture[str]) -> None:
    for version in ("1.8.5", "2.13.1", "3.0.0"):
        server.version = version
        assert listed(server) == 4
        assert version in capsys.readouterr().err
    server.only_v1, server.version = True, "1.8.5"
    assert listed(server) == 4
    assert "speaks only v1beta1 (1.8.5)" in capsys.readouterr().err


def test_a_server_older_than_the_sdk_is_warned_of(server: KfpServer, capsys: pytest.CaptureFixture[str]) -> None:
    for version, warned in (("2.14.0", True), ("v2.99.0", False), ("unknown", False)):
        server.version = version
        assert listed(server) == 0
        assert ("is older than the SDK" in capsys.readouterr().err) == warned


def test_the_user_interface_before_the_api_is_understood(server: KfpServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.behind_ui = True
    server.version = "2.13.1"
    assert listed(server) == 4
    assert "2.13.1" in capsys.readouterr().err
    server.version = "2.14.0"
    assert listed(server) == 0
    assert "(2.14.0) is older than the SDK" in capsys.readouterr().err
    server.multi_user = True
    assert listed(server) == 2
    server.ready = False
    assert listed(server, "--namespace", "feed") == 3
    assert "does not reach the API server" in capsys.readouterr().err


def test_tokens_come_from_the_environment_or_a_file(
    server: KfpServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.tokens = {"secret"}
    assert listed(server) == 5
    assert listed(server, KF_PIPELINES_TOKEN="old") == 5
    errors = capsys.readouterr().err
    assert "may have expired" in errors
    assert "old" not in errors.replace("older", "")
    assert listed(server, KF_PIPELINES_TOKEN="secret") == 0
    token = tmp_path / "token"
    token.write_text("secret\n")
    assert listed(server, "--token-file", str(token)) == 0
    assert listed(server, "--service-account-token", str(token)) == 0
    assert listed(server, "--token-file", str(tmp_path / "none")) == 2
    assert listed(server, "--service-account-token", str(tmp_path / "none")) == 5
    assert "There are no credentials" in capsys.readouterr().err


def test_a_log_in_page_is_not_taken_for_an_answer(
    server: KfpServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    server.log_in = True
    assert listed(server) == 5
    assert "as a log-in does" in capsys.readouterr().err
    assert listed(server, KF_PIPELINES_COOKIES="authservice_session=1") == 0
    cookies = tmp_path / "cookies"
    assert listed(server, "--cookies-file", str(cookies)) == 2
    cookies.write_text("authservice_session=1\n")
    assert listed(server, "--cookies-file", str(cookies)) == 0


def test_links_lead_to_the_user_interface(
    server: KfpServer, package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KF_PIPELINES_UI_ENDPOINT", raising=False)
    run = ["run", "--no-wait", "--host", server.host, "--package", str(package)]
    assert main(run, {}) == 0
    assert f"{server.host}/#/runs/details/run-" in capsys.readouterr().out
    assert main(run, {"KF_PIPELINES_UI_ENDPOINT": "https://kubeflow.example/pipeline/"}) == 0
    assert "https://kubeflow.example/pipeline/#/runs/details/run-" in capsys.readouterr().out


def test_a_server_of_many_users_needs_a_namespace(server: KfpServer, capsys: pytest.CaptureFixture[str]) -> None:
    server.multi_user = True
    assert listed(server) == 2
    assert "`--namespace` must be given" in capsys.readouterr().err
    assert listed(server, "--namespace", "feed") == 0
    assert listed(server, KF_PIPELINES_NAMESPACE="feed") == 0
