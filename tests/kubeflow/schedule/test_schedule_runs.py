"""Single runs are followed to their end; a back-fill runs one span after the other."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.kubeflow.schedule.kfp_server import API, KfpServer
from tests.kubeflow.schedule.schedule_command import Command, finished


def spans(server: KfpServer) -> list[Any]:
    return [run["runtime_config"]["parameters"].get("span") for run in server.runs.values()]


def test_a_run_is_followed_step_by_step(server: KfpServer, schedule: Command) -> None:
    server.out_of_order = 3
    out = finished(schedule.start("run", "--parameter", "span=4", "--parameter", "epochs=2")).out
    (run,) = server.runs.values()
    assert run["runtime_config"]["parameters"] == {"span": "4", "epochs": 2}
    reported = [line.split(" ", 1)[1] for line in out.splitlines() if line[2:3] == ":"]
    states = ("RUNNING", "SUCCEEDED after 65 s")
    assert reported[1:7] == [f"{step} {state}" for step in ("example-gen", "trainer", "report") for state in states]
    assert reported[7].startswith("run SUCCEEDED")


def test_a_failed_run_is_told_with_its_step(server: KfpServer, schedule: Command) -> None:
    server.failing = {"4": "trainer"}
    assert "ended FAILED in trainer" in schedule("run", "--parameter", "span=4", status=1).err


def test_waiting_ends_in_time_and_the_run_goes_on(server: KfpServer, schedule: Command) -> None:
    server.never_ending = True
    assert "goes on" in schedule("run", "--timeout", "0.1", status=8).err
    assert "runs/details/" in schedule("run", "--no-wait").out
    waiting = schedule.start("run")
    assert any("RUNNING" in line for line in iter(waiting.stdout.readline, ""))  # type: ignore[union-attr]
    waiting.send_signal(signal.SIGINT)
    assert "goes on" in finished(waiting, 130).err


def test_a_backfill_runs_one_span_after_the_other(server: KfpServer, schedule: Command) -> None:
    schedule("backfill", "--spans", "2026-02-27..2026-03-01", "--parameter", "epochs=2")
    assert spans(server) == ["2026-02-27", "2026-02-28", "2026-03-01"]
    starts = [number for number, call in enumerate(server.requests) if call == f"POST {API}/runs"]
    looks = [number for number, call in enumerate(server.requests) if call.startswith(f"GET {API}/runs/")]
    ends = [max(number for number in looks if server.requests[number].endswith(run)) for run in server.runs]
    assert starts[1] > ends[0]
    assert starts[2] > ends[1]


def test_a_backfill_stops_at_a_failure_unless_told_to_go_on(server: KfpServer, schedule: Command) -> None:
    server.failing = {"span-2": "example-gen"}
    stopped = schedule("backfill", "--spans", "span-1..span-4", status=1)
    assert "--spans span-2,span-3,span-4" in stopped.err
    assert spans(server) == ["span-1", "span-2"]
    server.runs.clear()
    kept_going = schedule("backfill", "--spans", "span-1..span-3", "--keep-going", status=1)
    assert "1 of 3 runs failed; once more: --spans span-2" in kept_going.err
    assert spans(server) == ["span-1", "span-2", "span-3"]


@pytest.mark.parametrize(
    ("arguments", "rule"),
    [
        (("run", "--parameter", "epoch=2"), "one of the package's parameters (data_root, epochs, span)"),
        (("run", "--parameter", "epochs=two"), "`--parameter epochs` must be a NUMBER_INTEGER"),
        (("run", "--parameter", "epochs"), "must be NAME=VALUE"),
        (("backfill", "--spans", "3..1"), "must run from an earlier to a later one"),
        (("backfill", "--spans", "1..9999999999"), "1000 at most"),
        (("backfill", "--spans", "span-1..2"), "two days or two numbers"),
        (("backfill", "--spans", "1,,2"), "a list separated by commas"),
        (("backfill", "--spans", "1..2", "--parameter", "span=3"), "must not give the span"),
        (("backfill", "--spans", "1..2", "--span-parameter", "day"), "one of the package's parameters"),
        (("run", "--poll", "0"), "`--poll` must be positive"),
        (("create", "--cron", "0 3 * * *"), "Seconds come first: '0 0 3 * * *'?"),
        (("create", "--cron", "0 0 3 * * *", "--max-concurrency", "0"), "must be from 1 to 10"),
        (("create", "--cron", "0 0 3 * * *", "--server-time-zone", "Mars"), "must be a time zone"),
        (("upload", "--package", "none.yaml"), "`make kubeflow` writes it"),
        (("upload", "--package", "pyproject.toml"), "must be a YAML file"),
        (("upload", "--package", ".github.yaml"), "`make kubeflow` writes it"),
    ],
)
def test_what_cannot_be_used_is_refused_before_the_server_is_asked(
    server: KfpServer, package: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], rule: str
) -> None:
    from pipeline.kfp.schedule.command import main

    given = ["--package", str(package)] if "--package" not in arguments else []
    assert main([*arguments, *given, "--host", server.host], {}) == 2
    assert rule in capsys.readouterr().err
    assert server.requests == []
