"""What is served is what the last run asked for: whole runs, one after the other, on one STATE_ROOT."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import zygote
from tests.end_to_end.conftest import NO_BOUNDS, ROOT

pytestmark = pytest.mark.end_to_end

ROWS = 2000
# The data is small: what a model learns from it is not asked here.
SETTINGS = {**NO_BOUNDS, "EPOCHS": "1"}


@dataclasses.dataclass(frozen=True)
class Run:
    """How a run ended: what it printed, and the versions that were published after it, oldest first.

    `judged` are the ids of the model that was judged last, and of that which it was compared with.
    """

    output: str
    versions: list[int]
    judged: list[int]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of `days`, a folder of two days, and of `files`, the same as plain files."""
    folder = tmp_path_factory.mktemp("data")
    for name, layout in (("days", "folders"), ("files", "files")):
        arguments = ["--rows", str(2 * ROWS), "--spans", "2", "--start-date", "2026-03-01", "--layout", layout]
        command = [
            sys.executable,
            "-m",
            "data.synthesize",
            "--out",
            str(folder / name),
            "--truth",
            str(folder / "truth" / name),
        ]
        subprocess.run([*command, *arguments], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def runs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Run]:
    """Settings A, settings B, A again, A once more, after its version was removed; then other data, and A again.

    At last B, which is taken back; B again, and settings C.
    """
    a = {"DATA_ROOT": str(data / "days"), "SEED": "1", **SETTINGS}
    b = a | {"SEED": "2"}
    files = a | {"DATA_ROOT": str(data / "files")}
    planned = [a, b, a, a, a | {"REMOVE": "newest"}, files, a, b, b | {"ROLLBACK": "it ranks badly"}]
    planned.append(a | {"SEED": "3"})
    state = tmp_path_factory.mktemp("state")
    command = [sys.executable, str(Path(__file__).with_name("publishing.py")), str(state), json.dumps(planned)]
    done = zygote.run(command, os.environ, ROOT)
    assert done.returncode == 0, done.stderr
    found = []
    for line in done.stdout.splitlines():
        if line.startswith("["):
            status, output, versions, judged = json.loads(line)
            print(output)
            assert status == 0
            found.append(Run(output, versions, judged))
    assert len(found) == len(planned)
    return found


def test_each_new_model_is_published_as_a_newer_version(runs: list[Run]) -> None:
    first, second = runs[:2]
    assert f"version {first.versions[0]} at " in first.output
    assert second.versions[:-1] == first.versions
    assert f"version {second.versions[-1]} at " in second.output


def test_settings_of_an_older_version_publish_its_model_again(runs: list[Run]) -> None:
    """Nothing is trained or judged anew."""
    first, second, again = runs[:3]
    old, other, new = again.versions
    assert [old, other] == second.versions
    assert f"version {new} at " in again.output
    assert f"the model of version {old} again, in place of version {other}" in again.output
    assert "nothing new" not in again.output
    assert "before: the data, the code and the settings are those of an earlier run" in again.output
    assert first.versions == [old]


def test_the_same_run_twice_publishes_nothing(runs: list[Run]) -> None:
    again, once_more = runs[2:4]
    assert once_more.versions == again.versions
    assert f"nothing new: this model is version {again.versions[-1]} at " in once_more.output


def test_a_version_that_was_removed_by_hand_is_published_again(runs: list[Run]) -> None:
    before, after = runs[3:5]
    assert after.versions[:-1] == before.versions[:-1]
    assert after.versions[-1] > before.versions[-1]
    assert f"the model of version {before.versions[0]} again, in place of version {before.versions[1]}" in after.output


def test_data_without_spans_publishes_over_a_day_and_says_of_what_data_that_was(runs: list[Run], data: Path) -> None:
    before, flat, after = runs[4:7]
    assert flat.versions[:-1] == before.versions
    assert f"in place of version {before.versions[-1]}, of other data: {data / 'days'}" in flat.output
    assert after.versions[:-1] == flat.versions
    assert f"in place of version {flat.versions[-1]}, of other data: {data / 'files'}" in after.output


def test_a_model_that_was_taken_back_is_not_published_again_by_a_cached_run(runs: list[Run]) -> None:
    before, bad, refused = runs[6:9]
    assert bad.versions[:-1] == before.versions
    assert refused.versions[:-1] == bad.versions, "the rollback published the model before it again, and the run nothing"
    assert f", as version {bad.versions[-1]}: it ranks badly" in refused.output
    assert "Published" in refused.output


def test_the_run_after_a_rollback_is_compared_with_the_model_that_is_served_again(runs: list[Run]) -> None:
    first, second, last = runs[0], runs[1], runs[9]
    assert second.judged[1] == first.judged[0]
    assert last.judged[1] == first.judged[0]
    assert last.judged[0] > second.judged[0]
    assert f"version {last.versions[-1]} at " in last.output
