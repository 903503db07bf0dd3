"""Runs of the compiled package, from its YAML alone: each step in a process of its own, on a real PostgreSQL."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kubeflow.lease import Leases
from kubeflow.store import connection_from_environment, open_store
from tests.kubeflow.conftest import ROOT
from tests.kubeflow.package_runner import Cluster, Package, StepResult
from tests.kubeflow.postgres import Server
from tests.kubeflow.test_package import INGESTED, UPSTREAM
from tests.kubeflow.test_postgresql_store import environment
from tests.kubeflow.webhook import Webhook
from tests.zygote import Running

pytestmark = pytest.mark.end_to_end

RESOLVERS = {"previous-statistics", "window", "latest-blessed-model", "published-later", "past-spans"}
# Their commands are started as they stand; they are of both kinds, and one of them is killed. The others are forked.
REAL = ("example-gen", "trainer", "report")
DAYS = ("2026-01-01", "2026-01-02", "2026-01-03")


@dataclasses.dataclass(frozen=True)
class Days:
    """Three days of interactions; those that have happened are in the data root."""

    source: Path
    data_root: Path

    def happen(self, day: str) -> None:
        shutil.copytree(self.source / day, self.data_root / day)


@pytest.fixture(scope="module")
def days(volume: Path, tmp_path_factory: pytest.TempPathFactory) -> Days:
    source = tmp_path_factory.mktemp("days") / "data"
    options = ["--rows", "4500", "--spans", "3", "--layout", "folders", "--start-date", DAYS[0]]
    subprocess.run(
        [sys.executable, "-m", "data.synthesize", *options, "--out", str(source)],
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return Days(source, volume / "data")


def versions(volume: Path) -> list[Path]:
    return sorted((volume / "state" / "serving" / "community-din").glob("*"))


def outputs(results: list[StepResult]) -> dict[str, str]:
    """What the last attempt of each step printed; fails if one did not end well."""
    failed = [(result.task, result.errors[-2000:]) for result in results if result.status > 0]
    assert not failed
    return {result.task: result.output for result in results}


@pytest.fixture(scope="module")
def first_run(package: Path, cluster: Cluster, volume: Path, days: Days) -> list[StepResult]:
    """A run on the first day, whose trainer is killed once while it trains."""
    days.happen(DAYS[0])
    killed: list[int] = []

    def kill_the_trainer(task: str, process: Running) -> None:
        if task == "trainer" and not killed:
            killed.append(process.pid)
            threading.Thread(target=kill_at_work, args=(process,)).start()

    def kill_at_work(process: Running) -> None:
        # The executor has its output folder before it starts.
        while process.poll() is None and not list(volume.glob("state/pipeline/trainer/model/*")):
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)

    return Package(package).run(
        cluster, "run-1", started=kill_the_trainer, retries=1, real=REAL, max_drift=1, max_oov_rate=1
    )


def test_every_step_runs_and_a_model_is_published(first_run: list[StepResult], volume: Path) -> None:
    printed = outputs(first_run)
    assert set(printed) == {*UPSTREAM, "report"}
    (version,) = versions(volume)
    assert (version / "saved_model.pb").exists()
    for step in UPSTREAM:
        assert f"{step.replace('-', '_')}: done after" in printed[step]


def test_the_steps_ran_from_the_installed_package(cluster: Cluster, installed: Path) -> None:
    code = "import kubeflow.node, components.dataset; print(kubeflow.node.__file__, components.dataset.__file__)"
    run = subprocess.run(
        ["python", "-c", code], env=cluster.image_environment, cwd=cluster.folder, capture_output=True, text=True, check=True
    )
    assert all(file.startswith(str(installed)) for file in run.stdout.split())


def test_a_killed_step_finishes_when_it_is_repeated(first_run: list[StepResult], volume: Path) -> None:
    assert [result.status for result in first_run if result.task == "trainer"] == [-signal.SIGKILL, 0]
    # It took up its execution: one folder, with the whole model.
    (model,) = volume.glob("state/pipeline/trainer/model/*")
    assert (model / "Format-Serving" / "saved_model.pb").exists()


def test_the_report_prints_the_summary(first_run: list[StepResult], volume: Path) -> None:
    (report,) = [result for result in first_run if result.task == "report"]
    assert first_run[-1] is report
    assert f"version {versions(volume)[0].name}" in report.output
    assert "AUC" in report.output
    assert report.output.endswith("community-din: run run-1 succeeded.\n")


def test_kubeflow_is_given_the_page_of_the_report(first_run: list[StepResult], cluster: Cluster, volume: Path) -> None:
    (report,) = [result for result in first_run if result.task == "report"]
    (told,) = [line.removeprefix("Report: ") for line in report.output.splitlines() if line.startswith("Report: ")]
    page = (cluster.folder / "outputs" / "run-1" / "model-report" / "page").read_text()
    assert page == Path(told).read_text()
    assert versions(volume)[0].name in page


def test_a_second_run_is_cached_and_publishes_nothing(
    first_run: list[StepResult], package: Path, cluster: Cluster, volume: Path
) -> None:
    before = versions(volume)
    printed = outputs(Package(package).run(cluster, "run-2", max_drift=1, max_oov_rate=1))
    cached = {step for step in UPSTREAM if f"{step.replace('-', '_')}: cached after" in printed[step]}
    # What is published is looked at in every run, and told by its report.
    assert cached == set(UPSTREAM) - RESOLVERS - {"pusher", "model-report"}
    assert versions(volume) == before
    assert "nothing new" in printed["report"]


@pytest.fixture(scope="module")
def next_day(first_run: list[StepResult], package: Path, cluster: Cluster, days: Days) -> list[list[StepResult]]:
    """A run on the next day, and another one that is started while it is at work."""
    days.happen(DAYS[1])
    second: list[list[StepResult]] = []

    def start_another(task: str, _: Running) -> None:
        if task == "statistics-gen":
            threads.append(threading.Thread(target=lambda: second.append(Package(package).run(cluster, "run-4"))))
            threads[0].start()

    threads: list[threading.Thread] = []
    run = Package(package).run(cluster, "run-3", started=start_another, max_drift=1, max_oov_rate=1, max_auc_drop=0.99)
    threads[0].join()
    return [run, *second]


def test_the_next_day_trains_on_the_window_and_is_compared_with_the_last_blessed_model(
    next_day: list[list[StepResult]], volume: Path
) -> None:
    report = outputs(next_day[0])["report"]
    assert f"rows of {DAYS[0]} train" in report
    assert f"rows of {DAYS[1]} judge" in report
    # The bound is the parameter that the run was started with.
    assert "must surely be at least -0.9900: holds" in report
    assert len(versions(volume)) == 2


def test_a_run_that_is_started_while_another_is_at_work_fails_and_says_so(next_day: list[list[StepResult]]) -> None:
    ended = {result.task: result for result in next_day[1]}
    assert set(ended) == {"example-gen", "schema", "report"}
    for step in ("example-gen", "schema"):
        assert ended[step].status == 1
        assert (
            "Error: Only one run of community-din may be at work. Received: run run-4, while run run-3 is."
            in ended[step].errors
        )
    assert "community-din: run run-4 failed: example_gen" in ended["report"].output


def test_a_failed_step_tells_its_cause_and_nothing_after_it_runs(package: Path, cluster: Cluster, tmp_path: Path) -> None:
    results = {result.task: result for result in Package(package).run(cluster, "run-5", data_root=str(tmp_path))}
    assert set(results) == {"example-gen", "schema", "report"}
    assert results["example-gen"].status == 1
    assert "Error: `DATA_ROOT` must hold at least one file" in results["example-gen"].errors
    assert "run run-5 failed: example_gen did not end well" in results["report"].output


@dataclasses.dataclass(frozen=True)
class StartedAgain:
    """A run that only ingests: it failed, failed again when it was started again, and went well the third time.

    Args:
        tries: How the steps ended, each time.
        told: What the webhook was told, each time.
    """

    tries: list[list[StepResult]]
    told: list[list[str]]


@pytest.fixture(scope="module")
def started_again(
    next_day: list[list[StepResult]], package: Path, cluster: Cluster, days: Days, told: Webhook
) -> StartedAgain:
    ingest = Package(package.with_stem(f"{package.stem}-ingest"))
    run = StartedAgain([], [])
    for attempt in range(3):
        if attempt == 2:
            days.happen(DAYS[2])
        before = len(told.received)
        earlier = [result for results in run.tries for result in results]
        run.tries.append(ingest.run(cluster, "run-6", earlier=earlier, span=DAYS[2], max_drift=1))
        run.told.append([message["text"] for message in told.received[before:]])
    return run


def test_a_run_that_only_ingests_prints_what_went_in(started_again: StartedAgain) -> None:
    printed = outputs(started_again.tries[2])
    assert set(printed) == set(INGESTED)
    assert "1500 read, 1500 used" in printed["validation-gate"]
    assert "AUC" not in printed["validation-gate"]


def test_a_failed_run_that_is_started_again_is_told_of_though_kubeflow_does_not_repeat_the_report(
    started_again: StartedAgain,
) -> None:
    assert [{result.task for result in results} for results in started_again.tries[:2]] == [
        {"example-gen", "report"},
        {"example-gen"},
    ]
    failed = "community-din: run run-6 failed: example_gen"
    again = "community-din: run run-6 failed again: example_gen did not end well."
    well = "community-din: run run-6 succeeded."
    for texts, beginning in zip(started_again.told, (failed, again, well), strict=True):
        (text,) = texts
        assert text.startswith(beginning)


def test_a_failed_run_that_is_started_again_makes_room_when_it_ends(started_again: StartedAgain, database: Server) -> None:
    connection = connection_from_environment(environment(database))
    Leases(open_store(connection), "community-din", 1800).acquire("the next run")
    Leases(open_store(connection), "community-din", 1800).release("the next run")
