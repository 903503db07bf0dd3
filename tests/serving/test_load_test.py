"""The load test's command, for two seconds."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks._load import LoadResult, cpu_seconds
from benchmarks._load_plot import draw
from benchmarks.load_test import main
from serving.server.process import RunningServer
from tests.serving.support import MODEL, free_port

PNG = b"\x89PNG"
SHORT = ["--seconds", "2", "--warmup", "0.1", "--candidates", "20", "--concurrency", "4"]


@pytest.mark.slow
@pytest.mark.parametrize("rest", [False, True])
def test_a_running_server_is_measured_and_drawn(
    server: RunningServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], rest: bool
) -> None:
    target = ["--rest", "--server", server.rest_url] if rest else ["--server", server.grpc_address]
    plot = tmp_path / "plots" / "load.png"
    assert main([*SHORT, *target, "--server-pid", str(server.process.pid), "--plot", str(plot)]) == 0
    said = capsys.readouterr().out
    assert "none" in said
    assert "ms a request" in said
    assert plot.read_bytes().startswith(PNG)


@pytest.mark.slow
def test_the_embedded_server_is_started_and_stopped(models: Path, tmp_path: Path) -> None:
    assert main([*SHORT, "--base-path", str(models / MODEL), "--plot", str(tmp_path / "load.png")]) == 0


@pytest.mark.slow
def test_a_wrong_model_fails_before_the_load(server: RunningServer, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--server", server.grpc_address, "--model-name", "other"]) == 1
    assert "NOT_FOUND" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--concurrency", "--seconds", "--candidates"])
def test_a_load_of_nothing_is_an_error(flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([flag, "0"]) == 2
    assert f"`{flag}` must be positive. Received: 0" in capsys.readouterr().err


def test_no_server_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--server", f"localhost:{free_port()}"]) == 1
    assert "UNAVAILABLE" in capsys.readouterr().err


def test_percentiles_and_rate_are_of_the_answered_requests(tmp_path: Path) -> None:
    latencies = np.arange(1, 101) / 1000
    result = LoadResult(np.linspace(0, 9, 100), latencies, {"DeadlineExceededError": 3}, 10.0, 1.0, None)
    assert result.rate == 10
    assert result.percentile(50) == pytest.approx(0.0505)
    assert result.percentile(99) == pytest.approx(0.09901)
    draw(result, "title", tmp_path / "load.png")
    assert (tmp_path / "load.png").read_bytes().startswith(PNG)


def test_cpu_time_is_that_of_the_process() -> None:
    times = os.times()
    assert cpu_seconds(os.getpid()) == pytest.approx(times.user + times.system, abs=0.5)
    with pytest.raises(ProcessLookupError, match="must be a process of this machine. Received: 999999999"):
        cpu_seconds(999_999_999)
