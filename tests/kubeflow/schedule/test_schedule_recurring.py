"""The command makes one recurring run of a name, whatever was there and whoever else is at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kubeflow.schedule.kfp_server import API, KfpServer
from tests.kubeflow.schedule.schedule_command import Command, finished
from tests.kubeflow.schedule.small_package import PIPELINE, compile_package

NIGHTLY = ("--cron", "0 0 3 * * *")


def changes(server: KfpServer) -> list[str]:
    """What changed recurring runs, without the ids."""
    calls = [call.split(API)[-1] if call.startswith("POST") else call.split(" ")[0] for call in server.requests]
    return [call.split(":")[-1] for call in calls if "recurringruns" in call or call == "DELETE"]


def test_the_same_call_twice_leaves_one_recurring_run(server: KfpServer, schedule: Command) -> None:
    first = finished(schedule.start("create", *NIGHTLY, "--server-time-zone", "Asia/Shanghai"))
    (before,) = server.named(PIPELINE)
    assert before["status"] == "ENABLED"
    assert before["no_catchup"] is True
    assert before["max_concurrency"] == "1"
    assert before["trigger"]["cron_schedule"] == {"cron": "0 0 3 * * *"}
    assert "created" in first.out
    assert "is read in Asia/Shanghai" in first.out
    assert "19:00:00 UTC = " in first.out
    assert "20:00:00 CET here" in first.out or "21:00:00 CEST here" in first.out

    server.requests.clear()
    second = schedule("create", *NIGHTLY)
    assert server.named(PIPELINE) == [before]
    assert len(server.versions) == len(server.experiments) == len(server.pipelines) == 1
    assert "unchanged" in second.out
    assert not [call for call in server.requests if not call.startswith("GET")]


def test_a_change_replaces_the_recurring_run_and_two_are_never_enabled(
    server: KfpServer, schedule: Command, tmp_path: Path
) -> None:
    schedule("create", *NIGHTLY)
    (old,) = server.named(PIPELINE)
    server.requests.clear()
    assert "replaced" in schedule("create", "--cron", "0 0 4 * * *", "--parameter", "epochs=2").out
    (new,) = server.named(PIPELINE)
    assert new["recurring_run_id"] != old["recurring_run_id"]
    assert new["trigger"]["cron_schedule"]["cron"] == "0 0 4 * * *"
    assert new["runtime_config"]["parameters"] == {"epochs": 2}
    assert new["status"] == "ENABLED"
    assert changes(server) == ["/recurringruns", "disable", "enable", "DELETE"]

    package = compile_package(tmp_path / "other.yaml", default_span="3")
    schedule("create", "--cron", "0 0 4 * * *", "--parameter", "epochs=2", "--package", str(package))
    (newest,) = server.named(PIPELINE)
    names = [version["display_name"] for version in server.versions.values()]
    assert len(set(names)) == 2
    assert newest["pipeline_version_reference"] != new["pipeline_version_reference"]

    # Back to the first version, by its name.
    schedule("create", "--cron", "0 0 4 * * *", "--parameter", "epochs=2", "--version", names[0])
    (back,) = server.named(PIPELINE)
    assert back["pipeline_version_reference"] == new["pipeline_version_reference"]
    missing = schedule("create", *NIGHTLY, "--version", "v9", status=6)
    assert names[0] in missing.err


@pytest.mark.parametrize(
    "change",
    [
        ("--parameter", "epochs=2"),
        ("--max-concurrency", "2"),
        ("--catch-up",),
        ("--service-account", "other"),
        ("--pipeline-root", "gs://other"),
        ("--experiment", "other"),
    ],
)
def test_each_setting_is_compared_with_what_is_there(server: KfpServer, schedule: Command, change: tuple[str, ...]) -> None:
    schedule("create", *NIGHTLY)
    assert "replaced" in schedule("create", *NIGHTLY, *change).out
    assert "unchanged" in schedule("create", *NIGHTLY, *change).out
    assert len(server.named(PIPELINE)) == 1


def test_a_paused_recurring_run_stays_paused_until_it_is_resumed(server: KfpServer, schedule: Command) -> None:
    schedule("create", *NIGHTLY)
    schedule("pause")
    assert server.named(PIPELINE)[0]["status"] == "DISABLED"
    assert "paused" in schedule("create", "--cron", "0 0 4 * * *").out
    assert server.named(PIPELINE)[0]["status"] == "DISABLED"
    assert "paused, cron 0 0 4 * * *" in schedule("list").out
    schedule("resume")
    assert server.named(PIPELINE)[0]["status"] == "ENABLED"
    assert "already" in schedule("resume").out


def test_delete_takes_that_name_only(server: KfpServer, schedule: Command) -> None:
    schedule("create", *NIGHTLY, "--name", "other", "--paused")
    schedule("create", *NIGHTLY)
    schedule("delete")
    assert [run["display_name"] for run in server.recurring_runs.values()] == ["other"]
    assert "'other'" not in schedule("list").out
    again = schedule("delete", status=6)
    assert "'community-din'" in again.err
    assert "other" in again.err


def test_two_callers_at_once_leave_one_recurring_run(server: KfpServer, schedule: Command) -> None:
    server.together = 2
    callers = [schedule.start("create", *NIGHTLY) for _ in range(2)]
    for caller in callers:
        finished(caller)
    assert server.requests.count(f"POST {API}/recurringruns") == 2
    (left,) = server.named(PIPELINE)
    assert left["status"] == "ENABLED"


def test_what_an_interrupted_replacement_left_is_cleared(server: KfpServer, schedule: Command) -> None:
    schedule("create", *NIGHTLY)
    (old,) = server.named(PIPELINE)
    leftover = old | {
        "recurring_run_id": "leftover",
        "status": "DISABLED",
        "trigger": {"cron_schedule": {"cron": "0 0 4 * * *"}},
    }
    server.recurring_runs["leftover"] = leftover
    schedule("create", "--cron", "0 0 4 * * *")
    assert [(run["recurring_run_id"], run["status"]) for run in server.named(PIPELINE)] == [("leftover", "ENABLED")]


def test_a_replacement_that_cannot_be_enabled_is_told(server: KfpServer, schedule: Command) -> None:
    server.unavailable = ":enable"
    assert "still paused: `resume` it" in schedule("create", *NIGHTLY, status=3).err
    server.unavailable = None
    schedule("resume")
    assert [run["status"] for run in server.named(PIPELINE)] == ["ENABLED"]


def test_all_pages_of_a_list_are_read(server: KfpServer, schedule: Command) -> None:
    schedule("create", *NIGHTLY)
    (run,) = server.named(PIPELINE)
    for number in range(120):
        copy = {"recurring_run_id": f"copy-{number}", "display_name": f"copy {number}", "status": "DISABLED"}
        server.recurring_runs[copy["recurring_run_id"]] = run | copy
    # One of them made by other means, with a cron that this command would refuse.
    server.recurring_runs["copy-7"] |= {"status": "ENABLED", "trigger": {"cron_schedule": {"cron": "0 3 * * *"}}}
    listed = schedule("list").out
    assert listed.count("  id ") == 121
    assert "made by other means" in listed


@pytest.mark.parametrize("version", ["2.16.0", "2.17.0", "2.15.0", "unknown"])
def test_a_replacement_leaves_the_run_in_progress_to_its_end(server: KfpServer, schedule: Command, version: str) -> None:
    server.version = version
    schedule("create", *NIGHTLY)
    (old,) = server.named(PIPELINE)
    run_id = server.trigger(PIPELINE)
    replaced = schedule("create", "--cron", "0 0 4 * * *")
    assert server.headway.killed == []
    (new,) = server.named(PIPELINE)
    assert new["recurring_run_id"] != old["recurring_run_id"]
    assert new["status"] == "ENABLED"
    # Where the server cannot part the two, the old one stays, paused, until the run has ended.
    if not server.knows_orphans():
        assert run_id in replaced.out
        assert server.runs[run_id]["state"] == "SUCCEEDED"


@pytest.mark.parametrize("version", ["2.16.0", "2.14.3"])
def test_a_deleted_recurring_run_leaves_its_run_in_progress(server: KfpServer, schedule: Command, version: str) -> None:
    server.version = version
    schedule("create", *NIGHTLY)
    server.trigger(PIPELINE)
    server.requests.clear()
    schedule("delete")
    assert server.headway.killed == []
    assert server.recurring_runs == {}
    assert changes(server) == ["disable", "DELETE"]


def test_waiting_for_the_run_in_progress_can_be_left_and_taken_up(server: KfpServer, schedule: Command) -> None:
    server.version, server.headway.never_ending = "2.15.0", True
    schedule("create", *NIGHTLY)
    server.trigger(PIPELINE)
    left = schedule("create", "--cron", "0 0 4 * * *", "--timeout", "0.05", status=8)
    assert "is paused" in left.err
    assert "the same call" in left.err
    (old, new) = server.named(PIPELINE)
    assert [run["status"] for run in (old, new)] == ["DISABLED", "ENABLED"]
    # The old one is not brought back by a command that means the new one.
    assert "already" in schedule("resume").out
    schedule("pause")
    schedule("resume")
    assert [run["status"] for run in server.named(PIPELINE)] == ["DISABLED", "ENABLED"]
    server.headway.never_ending = False
    schedule("create", "--cron", "0 0 4 * * *")
    assert server.named(PIPELINE) == [new]
    assert server.headway.killed == []


def test_a_run_that_its_time_started_while_it_was_paused_is_waited_for(server: KfpServer, schedule: Command) -> None:
    server.version = "2.15.0"
    schedule("create", *NIGHTLY)
    # The scheduler heard of the pause too late: its run comes to light at the second look at the runs.
    server.late = PIPELINE
    schedule("delete")
    assert len(server.runs) == 1
    assert server.headway.killed == []


@pytest.mark.parametrize("name", ["nightly +1", "100 % of it", "a&b=c"])
def test_a_name_is_found_whatever_signs_are_in_it(server: KfpServer, schedule: Command, name: str) -> None:
    schedule("create", *NIGHTLY, "--name", name, "--experiment", name)
    assert "unchanged" in schedule("create", *NIGHTLY, "--name", name, "--experiment", name).out
    assert len(server.named(name)) == len(server.experiments) == 1
    schedule("delete", "--name", name)
    assert server.recurring_runs == {}


def test_a_name_in_other_letters_is_another_name(server: KfpServer, schedule: Command) -> None:
    for name in ("nightly", "Nightly"):
        schedule("create", *NIGHTLY, "--name", name)
    assert [run["display_name"] for run in server.recurring_runs.values()] == ["nightly", "Nightly"]
    schedule("delete", "--name", "nightly")
    assert [run["display_name"] for run in server.recurring_runs.values()] == ["Nightly"]


@pytest.mark.parametrize("version", ["2.16.0", "2.15.0"])
def test_what_kubernetes_has_lost_is_replaced(server: KfpServer, schedule: Command, version: str) -> None:
    server.version = version
    schedule("create", *NIGHTLY)
    (old,) = server.named(PIPELINE)
    server.lost = {old["recurring_run_id"]}
    assert "could not be paused" in schedule("create", "--cron", "0 0 4 * * *").out
    (new,) = server.named(PIPELINE)
    assert (new["status"], new["recurring_run_id"] == old["recurring_run_id"]) == ("ENABLED", False)
