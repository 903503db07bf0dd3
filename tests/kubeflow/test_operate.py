"""Rolling back on a cluster: the command in a process of its own, the metadata on a real PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kubeflow.lease import Leases
from kubeflow.store import connection_from_environment
from pipeline.rollback import EXECUTION
from tests.kubeflow.conftest import ROOT
from tests.kubeflow.postgres import postgres
from tests.kubeflow.test_postgresql_store import environment
from tests.pipeline.published_world import World


def test_a_rollback_on_a_cluster_is_kept_in_postgresql(tmp_path: Path) -> None:
    with postgres() as server:
        variables = environment(server)
        world = World(tmp_path, connection_from_environment(variables))
        for span, weights in enumerate("ab", start=1):
            world.run(weights, span)

        def operate(*arguments: str) -> subprocess.CompletedProcess[str]:
            settings = {"STATE_ROOT": world.config.state_root, "DATA_ROOT": str(tmp_path), **variables}
            command = [sys.executable, "-m", "kubeflow.operate", *arguments]
            return subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)

        leases = Leases(world.store, "community-din", 1800)
        leases.acquire("run-9")
        refused = operate("rollback")
        leases.release("run-9")
        assert refused.returncode == 1
        assert "run run-9 is" in refused.stdout
        assert len(world.versions) == 2
        done = operate("rollback", "--reason", r"it\ranks badly")
        assert done.returncode == 0, done.stdout + done.stderr
        assert [world.content(version) for version in world.versions] == ["a", "b", "a"]
        assert world.baseline() == 0
        (execution,) = world.store.get_executions_by_type(EXECUTION)
        assert execution.custom_properties["reason"].string_value == r"it\ranks badly"
        listed = operate("versions")
        # The column may be narrow.
        assert "rolled back:" in listed.stdout
