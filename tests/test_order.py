"""The order in which the tests are dealt out."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.conftest import LONGEST, TESTS, group_of, rank_of


def test_what_is_named_as_long_is_there() -> None:
    assert [name for name in LONGEST if not (TESTS / name).exists()] == []


def test_files_that_share_fixtures_stay_together_and_whole_runs_come_first() -> None:
    def group(file: str) -> str:
        return group_of(TESTS / file)

    assert group("kubeflow/test_runs.py") == group("kubeflow/test_package.py")
    assert group("end_to_end/test_pipeline.py") != group("end_to_end/test_new.py")
    files = ["trainer/test_din.py", "test_order.py", "kubeflow/schedule/test_a.py", "end_to_end/test_new.py"]
    assert sorted(files, key=lambda file: rank_of(group(file))) == [files[2], files[0], files[3], files[1]]


@pytest.mark.slow
def test_a_group_stays_in_one_process() -> None:
    options = ["-n", "2", "--dist", "loadscope", "--no-loadscope-reorder", "-v", "-v"]
    command = [sys.executable, "-m", "pytest", *options, "tests/settings", "tests/test_architecture.py"]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    run = subprocess.run(command, cwd=TESTS.parent, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, set[str]] = {}
    for process, file in re.findall(r"^\[(gw\d)\] .* PASSED (tests/\S+?)::", run.stdout, re.MULTILINE):
        found.setdefault(group_of(TESTS.parent / file), set()).add(process)
    assert {group: len(processes) for group, processes in found.items()} == {"settings": 1, ".": 1}
