"""Pruning on a cluster: the command in a process of its own, the metadata on a real PostgreSQL."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pg8000.dbapi
import pytest

from kubeflow import lease
from kubeflow.lease import Leases
from kubeflow.store import connection_from_environment
from tests.kubeflow.conftest import ROOT
from tests.kubeflow.postgres import postgres
from tests.kubeflow.test_postgresql_store import environment
from tests.pipeline.test_retention import Days


class State:
    """Four daily runs, as the steps of a cluster leave them, and what one that was killed has left."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.variables = variables
        (folder / "serving").mkdir()
        self.days = Days(folder / "serving", connection_from_environment(variables))
        # The days' own folder of versions stands where a run of this name has it.
        (folder / "serving" / "serving").rename(folder / "serving" / "community-din")
        self.days.serving = folder / "serving" / "community-din"
        for span in (1, 2, 3, 4):
            self.days.run(span)
        (folder / "pipeline" / "trainer" / "model" / "1").mkdir(parents=True)

    def start_pruning(self, *arguments: str) -> subprocess.Popen[str]:
        settings = {"STATE_ROOT": str(self.folder), "WINDOW_SPANS": "1", **self.variables}
        settings |= {"KEEP_SPANS": "1", "KEEP_VERSIONS": "1", "KEEP_RUNS": "1"}
        command = [sys.executable, "-m", "kubeflow.prune"]
        return subprocess.Popen(
            [*command, *arguments],
            cwd=ROOT,
            env=os.environ | settings,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def prune(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = self.start_pruning(*arguments)
        stdout, stderr = command.communicate()
        return subprocess.CompletedProcess(command.args, command.returncode, stdout, stderr)

    def connect(self) -> pg8000.dbapi.Connection:
        values = {name: self.variables[f"METADATA_{name.upper()}"] for name in ("host", "database", "user", "password")}
        return pg8000.dbapi.connect(port=int(self.variables["METADATA_PORT"]), **values)

    def renewed(self) -> int:
        """When a command that prunes has renewed its lease, in seconds since 1970; 0 if none holds one."""
        contexts = self.days.store.get_contexts_by_type(lease.TYPE)
        held = [one.properties for one in contexts if one.properties["run_id"].string_value.startswith("prune-")]
        return max((one["renewed"].int_value for one in held if not one["released"].int_value), default=0)

    @property
    def versions(self) -> list[str]:
        return sorted(path.name for path in self.days.serving.iterdir())


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[State]:
    with postgres() as server:
        yield State(tmp_path_factory.mktemp("state"), environment(server))


def test_pruning_while_a_run_is_at_work_is_refused(state: State) -> None:
    leases = Leases(state.days.store, "community-din", 1800)
    leases.acquire("run-9")
    pruned = state.prune()
    leases.release("run-9")
    assert pruned.returncode == 1
    assert "run run-9 is" in pruned.stdout
    assert state.versions == ["101", "102", "103", "104"]


def test_pruning_renews_its_lease(state: State) -> None:
    """Rows that another connection locks make it wait."""
    with contextlib.closing(state.connect()) as other:
        other.cursor().execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        pruning = state.start_pruning("--dry-run", "--lease-seconds", "4")
        seen: set[int] = set()
        while len(seen - {0}) < 3:
            assert pruning.poll() is None, pruning.communicate()
            seen.add(state.renewed())
            time.sleep(0.1)
        other.rollback()
    assert pruning.wait() == 0
    assert state.renewed() == 0


def test_old_runs_leave_postgresql_and_the_volume_and_what_stays_is_untouched(state: State) -> None:
    planned = state.days.plan()
    executions = len(state.days.store.get_executions())
    pruned = state.prune()
    assert pruned.returncode == 0, pruned.stderr
    assert f"{len(planned.artifacts)} executions forgotten" in pruned.stdout
    assert len(state.days.store.get_executions()) == executions - len(planned.artifacts)
    assert {a.id for a in state.days.store.get_artifacts()} == {a.id for a in planned.kept_artifacts}
    assert state.versions == ["104"]
    assert not (state.folder / "pipeline" / "trainer" / "model" / "1").exists()
    state.days.run(5)
    assert state.days.plan().kept_versions == ("105",)
