"""Daily runs over folders of spans: what goes in, what trains, what judges, what stops."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.end_to_end.conftest import NO_BOUNDS, ROOT, Outcome, Workspace

pytestmark = pytest.mark.end_to_end

DAYS = ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"]
ROWS = 4000
# The days are small: what a model learns from them is not asked here.
SETTINGS = {**NO_BOUNDS, "MAX_AUC_DROP": "0.99", "WINDOW_SPANS": "2", "EPOCHS": "1"}
FILE = "interactions.csv"


class Community:
    """A community that exports a day at a time, the fourth of them drifted; and the pipeline's state."""

    def __init__(self, folder: Path) -> None:
        self.exports, self.data, truth = folder / "exports", folder / "data", folder / "truth"
        arguments = ["--layout", "folders", "--start-date", DAYS[0], "--bad-share", "0.005", "--drift-from", DAYS[-1]]
        command = [sys.executable, "-m", "data.synthesize", "--out", str(self.exports), "--truth", str(truth), *arguments]
        subprocess.run([*command, "--rows", str(ROWS * len(DAYS)), "--spans", str(len(DAYS))], cwd=ROOT, check=True)
        self.bad = [json.loads(line) for line in (truth / "bad-rows.jsonl").read_text().splitlines()]
        self.data.mkdir()
        self.workspace = Workspace(folder / "state")
        self.workspace.state.mkdir()

    def export(self, day: str) -> None:
        shutil.copytree(self.exports / day, self.data / day)

    def run(self, **settings: str) -> Outcome:
        return self.workspace.run(DATA_ROOT=str(self.data), **SETTINGS, **settings)

    def command(self, module: str, *arguments: str) -> Outcome:
        return self.workspace.python("-m", module, *arguments, DATA_ROOT=str(self.data), **SETTINGS)

    def dead_letters(self) -> dict[str, set[int]]:
        """The lines of the dead letters of every span, by the span's name."""
        lines: dict[str, set[int]] = {}
        for path in self.workspace.state.glob("pipeline/example_gen/examples/*/dead_letters-*.jsonl"):
            for line in path.read_text().splitlines():
                letter = json.loads(line)
                lines.setdefault(Path(letter["file"]).parent.name, set()).add(letter["line"])
        return lines


@pytest.fixture(scope="module")
def community(tmp_path_factory: pytest.TempPathFactory) -> Community:
    return Community(tmp_path_factory.mktemp("community"))


@pytest.fixture(scope="module")
def runs(community: Community) -> list[Outcome]:
    """The first three days, each run when it has come; the first and the last with `WARM_START`."""
    outcomes = []
    for day, warm_start in zip(DAYS, ("true", "false", "true"), strict=False):
        community.export(day)
        outcomes.append(community.run(WARM_START=warm_start))
    return outcomes


def test_every_row_is_used_or_a_dead_letter_that_names_its_line(community: Community, runs: list[Outcome]) -> None:
    for day, outcome in zip(DAYS, runs, strict=False):
        planted = {bad["line"] for bad in community.bad if bad["file"] == f"{day}/{FILE}"}
        assert planted
        assert outcome.status == 0
        assert f"{ROWS + len(planted)} read, {ROWS} used, {len(planted)} rejected: " in outcome.output
        assert community.dead_letters()[day] == planted


def test_the_first_day_is_split_and_the_next_ones_judge_what_the_days_before_have_trained(runs: list[Outcome]) -> None:
    assert re.search(rf"\d+ train, \d+ eval, all of {DAYS[0]}: no earlier span is ingested", runs[0].output)
    assert f"{ROWS} rows of {DAYS[0]} train, {ROWS} rows of {DAYS[1]} judge" in runs[1].output
    assert f"{2 * ROWS} rows of 2 spans from {DAYS[0]} to {DAYS[1]} train, {ROWS} rows of {DAYS[2]} judge" in runs[2].output
    held_out = re.search(r"(\d+) of the rows that train tell when to stop instead", runs[2].output)
    assert held_out is not None
    assert 0.1 < int(held_out[1]) / ROWS < 0.3
    assert f"on {ROWS} rows" in runs[2].output


def test_each_day_is_published_and_compared_with_the_day_before(community: Community, runs: list[Outcome]) -> None:
    assert len(community.workspace.versions) == 3
    assert "no earlier blessed model of this data to compare with" in runs[0].output
    assert "AUC against the last blessed model" in runs[2].output


def test_a_training_starts_from_the_model_of_the_day_before(community: Community, runs: list[Outcome]) -> None:
    first, second, third = runs
    assert "finds the model to start from" in first.output
    assert "starts from" not in first.output
    assert "finds the model to start from" not in second.output
    models = (community.workspace.state / "pipeline" / "trainer" / "model").glob("*/Format-Serving")
    _, before, _ = sorted(models, key=lambda path: int(path.parent.name))
    assert f"startsfrom{before}" in re.sub(r"\s", "", third.output)


def test_a_drifted_day_stops_the_run_and_publishes_nothing(community: Community, runs: list[Outcome]) -> None:
    community.export(DAYS[3])
    outcome = community.run()
    shutil.rmtree(community.data / DAYS[3])
    assert outcome.status != 0
    assert re.search(r"Failed in validation_gate: .*client_type", outcome.output, re.DOTALL)
    assert "trainer" not in outcome.output
    assert len(community.workspace.versions) == 3


def test_a_day_that_was_trained_on_is_not_trained_or_published_again(community: Community, runs: list[Outcome]) -> None:
    again = community.run(SPAN=DAYS[2], WARM_START="true")
    assert again.status == 0
    assert "before: the data, the code and the settings are those of an earlier run" in again.output
    assert f"nothing new: this model is version {community.workspace.versions[-1].name}" in again.output
    assert len(community.workspace.versions) == 3


def test_a_past_day_that_is_exported_again_replaces_what_it_was_and_publishes_nothing(
    community: Community, runs: list[Outcome]
) -> None:
    """The second day comes again, half of it; its run trains on the first day only, and a later day is published."""
    again = community.data / DAYS[1] / "version-1"
    again.mkdir()
    lines = (community.data / DAYS[1] / FILE).read_bytes().splitlines(keepends=True)
    (again / FILE).write_bytes(b"".join(lines[: ROWS // 2]))
    outcome = community.run(SPAN=DAYS[1])
    assert outcome.status == 0
    assert re.search(rf"{ROWS} rows of {DAYS[0]} train, (\d+) rows of {DAYS[1]} judge", outcome.output)
    assert f"no: version {community.workspace.versions[-1].name}, of a later span, is published" in outcome.output
    assert len(community.workspace.versions) == 3
    judged = int(re.findall(rf"train, (\d+) rows of {DAYS[1]} judge", outcome.output)[0])
    assert judged < ROWS // 2
    ingested = community.command("pipeline", "ingest")
    assert ingested.status == 0
    window = community.run()
    assert f"{ROWS + judged} rows of 2 spans from {DAYS[0]} to {DAYS[1]} train" in window.output


def test_pruning_leaves_what_the_next_run_and_the_server_need(community: Community, runs: list[Outcome]) -> None:
    newest = community.workspace.versions[-1]
    pruned = community.command("pipeline", "prune", "KEEP_VERSIONS=1", "KEEP_RUNS=1", "KEEP_SPANS=1")
    assert pruned.status == 0
    assert community.workspace.versions == [newest]
    assert (newest / "saved_model.pb").exists()
    again = community.run()
    assert "nothing new: this model is version" in again.output


def test_a_late_day_is_named(community: Community, runs: list[Outcome]) -> None:
    outcome = community.run(SPAN="2026-02-27")
    assert outcome.status != 0
    assert "Received: 2026-02-27, which is missing or late" in outcome.output
