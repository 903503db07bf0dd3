"""Single runs are followed to their end; a back-fill runs one span after the other."""

from __future__ import annotations

import shlex
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from kubeflow.schedule.cli import main
from tests.kubeflow.schedule.kfp_server import API, KfpServer
from tests.kubeflow.schedule.schedule_command import Command, Result, finished
from tests.kubeflow.schedule.small_package import compile_package


def spans(server: KfpServer) -> list[Any]:
    return [run["runtime_config"]["parameters"].get("span") for run in server.runs.values()]


def rest_of(left: Result) -> list[str]:
    """The command, and its arguments, that a back-fill which was broken off says to go on with."""
    text = next(line for line in (left.out + left.err).splitlines() if "python -m kubeflow.schedule" in line)
    program, flag, module, *words = shlex.split(text[text.index("python -m kubeflow.schedule") :])
    assert (program, flag, module) == ("python", "-m", "kubeflow.schedule")
    return words


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
    server.headway.failing = {"4": "trainer"}
    assert "ended FAILED in trainer" in schedule("run", "--parameter", "span=4", status=1).err


def test_waiting_ends_in_time_and_the_run_goes_on(server: KfpServer, schedule: Command) -> None:
    server.headway.never_ending = True
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


def test_spans_are_taken_in_by_a_package_of_their_own(
    server: KfpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "build").mkdir()
    compile_package(Path("build/community-din-ingest.yaml"), name="community-din-ingest")
    server.headway.failing = {"2": "example-gen"}
    given = ["ingest", "--host", server.host, "--poll", "0.01", "--spans", "1..3"]
    assert main(given, {}) == 1
    assert "python -m kubeflow.schedule ingest --host" in capsys.readouterr().err
    assert main([*given, "--keep-going", "--run-name", "once more"], {}) == 1
    assert spans(server) == ["1", "2", "1", "2", "3"]
    assert [pipeline["display_name"] for pipeline in server.pipelines.values()] == ["community-din-ingest"]


def test_a_backfill_stops_at_a_failure_unless_told_to_go_on(server: KfpServer, schedule: Command) -> None:
    server.headway.failing = {"span-2": "example-gen"}
    stopped = schedule("backfill", "--spans", "span-1..span-4", status=1)
    assert "--spans span-2,span-3,span-4" in stopped.err
    assert spans(server) == ["span-1", "span-2"]
    server.runs.clear()
    kept_going = schedule("backfill", "--spans", "span-1..span-3", "--keep-going", status=1)
    assert "1 of 3 runs failed. Once more: python -m kubeflow.schedule backfill " in kept_going.err
    assert spans(server) == ["span-1", "span-2", "span-3"]
    # The run that failed is started again, and no other.
    server.headway.failing = {}
    schedule(*rest_of(kept_going))
    assert spans(server) == ["span-1", "span-2", "span-3", "span-2"]


def test_a_backfill_whose_token_expires_goes_on_with_the_run_it_was_at(
    server: KfpServer, schedule: Command, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("old")
    server.tokens, server.renewed_with = {"old"}, 2
    arguments = ["--spans=1..3", "--parameter", "epochs=2", "--run-name", "of march", "--token-file", str(token)]
    expired = schedule("backfill", *arguments, status=5)
    assert "may have expired" in expired.err
    assert rest_of(expired)[-4:] == ["--spans", "2,3", "--run-name", "of march"]
    assert spans(server) == ["1", "2"]
    token.write_text("new")
    schedule(*rest_of(expired))
    assert spans(server) == ["1", "2", "3"]
    assert [run["state"] for run in server.runs.values()] == ["SUCCEEDED"] * 3


def test_a_token_that_is_renewed_in_its_file_is_taken_up(server: KfpServer, schedule: Command, tmp_path: Path) -> None:
    token, fresh = tmp_path / "token", tmp_path / "fresh"
    token.write_text("old")
    fresh.write_text("new")
    server.tokens, server.headway.never_ending = {"old", "new"}, True
    waiting = schedule.start("run", "--token-file", str(token), "--timeout", "30")
    while "old" not in server.seen_tokens:
        time.sleep(0.01)
    fresh.replace(token)
    while "new" not in server.seen_tokens and waiting.poll() is None:
        time.sleep(0.01)
    server.tokens, server.headway.never_ending = {"new"}, False
    assert "run SUCCEEDED" in finished(waiting).out


def test_a_run_whose_start_was_not_answered_is_not_started_again(server: KfpServer, schedule: Command) -> None:
    server.unanswered = 1
    left = schedule("backfill", "--spans", "1..2", status=3)
    assert spans(server) == ["1"]
    schedule(*rest_of(left))
    assert spans(server) == ["1", "2"]


def test_a_run_of_that_name_in_another_experiment_is_another_one(server: KfpServer, schedule: Command) -> None:
    server.multi_user = True
    arguments = ["backfill", "--spans", "1..2", "--run-name", "of march", "--namespace", "feed"]
    for experiment in ("one", "one", "two"):
        schedule(*arguments, "--experiment", experiment)
    assert spans(server) == ["1", "2", "1", "2"]


def test_an_interrupted_backfill_says_how_to_go_on(server: KfpServer, schedule: Command) -> None:
    server.headway.never_ending = True
    waiting = schedule.start("backfill", "--spans", "1..2")
    while not any("RUNNING" in line for line in iter(waiting.stdout.readline, "")):  # type: ignore[union-attr]
        pass
    waiting.send_signal(signal.SIGINT)
    left = finished(waiting, 130)
    server.headway.never_ending = False
    schedule(*rest_of(left))
    assert spans(server) == ["1", "2"]


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
    given = ["--package", str(package)] if "--package" not in arguments else []
    assert main([*arguments, *given, "--host", server.host], {}) == 2
    assert rule in capsys.readouterr().err
    assert server.requests == []
