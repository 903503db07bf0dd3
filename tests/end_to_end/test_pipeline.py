"""From interaction CSVs to a published model, and what keeps a bad one from being published."""

from __future__ import annotations

import csv
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from components.evaluation.bounds import Bounds
from tests.browser import see
from tests.end_to_end.conftest import NAME, NO_BOUNDS, ROOT, Outcome, Workspace, cached_nodes
from trainer.hyperparameters import Hyperparameters
from transform.features import DECLARATION

pytestmark = pytest.mark.end_to_end

SAMPLE = ROOT / "data" / "sample"
SECTIONS = ("verdict", "quality", "scores", "attention", "features", "data", "training", "network", "card")

# A model that has learnt nothing, held to nothing but the last one.
WORSE = {**NO_BOUNDS, "MAX_AUC_DROP": "0.01", "LEARNING_RATE": "0.000001", "EPOCHS": "1"}

SCORE = """
import json, sys
import tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
columns = {name: tf.constant(cells) for name, cells in json.load(sys.stdin).items()}
print(json.dumps(model.signatures["serving_default"](**columns)["score"].numpy().tolist()))
"""


def read_sample() -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in sorted(SAMPLE.glob("*.csv")):
        with path.open(newline="") as lines:
            rows += csv.DictReader(lines)
    return rows


def write_rows(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, [column.name for column in DECLARATION.columns])
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture(scope="module")
def first_run(workspace: Workspace) -> Outcome:
    """Through the `tfx` commands; the other runs start what those start."""
    return workspace.tfx_run(DATA_ROOT=str(SAMPLE))


def test_a_version_is_published(first_run: Outcome, workspace: Workspace) -> None:
    assert first_run.status == 0
    assert len(workspace.versions) == 1
    assert (workspace.versions[0] / "saved_model.pb").exists()


def test_the_summary_says_what_went_in_and_why_the_model_is_published(first_run: Outcome, workspace: Workspace) -> None:
    rows = len(read_sample())
    assert f"{rows} read, {rows} used" in first_run.output
    sizes = re.search(r"(\d+) train, (\d+) eval", first_run.output)
    assert sizes is not None
    assert int(sizes[1]) + int(sizes[2]) == rows
    assert 0.15 < int(sizes[2]) / rows < 0.25
    assert re.search(r"AUC: \+0\.[5-9]\d+ \[.*\], must surely be at least \+0\.5500: holds", first_run.output)
    assert f"version {workspace.versions[0].name}" in first_run.output
    for node in ("example_gen", "transform", "trainer", "evaluator", "pusher"):
        assert re.search(rf"✓ \[\d+/\d+\] {node} .* \d+\.\d s", first_run.output)


def test_the_published_version_scores_csv_rows_in_a_fresh_process(first_run: Outcome, workspace: Workspace) -> None:
    rows = [row for row in read_sample() if row["hist_topic_id"]][:400]
    columns = {name: [row[name] for row in rows] for name in DECLARATION.serving_columns}
    run = subprocess.run(
        [sys.executable, "-c", SCORE, str(workspace.versions[0])],
        input=json.dumps(columns),
        capture_output=True,
        text=True,
        check=True,
    )
    scores = json.loads(run.stdout.splitlines()[-1])
    assert len(scores) == len(rows)
    assert all(0 < score < 1 for score in scores)
    matches = [
        (row["topic_id"], row["keyword_id"])
        in zip(row["hist_topic_id"].split(","), row["hist_keyword_id"].split(","), strict=True)
        for row in rows
    ]
    of_matches = [score for score, match in zip(scores, matches, strict=True) if match]
    of_others = [score for score, match in zip(scores, matches, strict=True) if not match]
    assert sum(of_matches) / len(of_matches) > sum(of_others) / len(of_others) + 0.3


def test_the_version_tells_the_settings_that_it_was_trained_with(first_run: Outcome, workspace: Workspace) -> None:
    recorded = json.loads((workspace.versions[0] / "assets.extra" / "settings.json").read_text())
    assert Hyperparameters(**recorded["hyperparameters"]) == Hyperparameters()
    (log,) = [
        path for path in workspace.state.glob("log/*.log") if f"max_auc_drop: {Bounds().max_auc_drop}" in path.read_text()
    ][:1]
    assert "\nepochs: " in log.read_text()


def test_the_version_carries_its_model_card(first_run: Outcome, workspace: Workspace) -> None:
    extra = workspace.versions[0] / "assets.extra"
    card = json.loads((extra / "model_card.json").read_text())
    rows = len(read_sample())
    assert card["data"]["judged_by"] == "held-out rows"
    assert [(one["rows_read"], one["rows_used"], one["rows_rejected"]) for one in card["data"]["spans"]] == [(rows, rows, 0)]
    assert card["data"]["train_rows"] + card["data"]["stopping_rows"] + card["data"]["judging_rows"] == rows
    assert card["features"]["fingerprint"] == DECLARATION.fingerprint
    assert set(card["code"]) == {"example_gen", "dataset", "transform", "trainer", "evaluator"}
    assert Hyperparameters(**card["settings"]["hyperparameters"]) == Hyperparameters()
    assert Bounds(**card["settings"]["bounds"]) == Bounds()
    assert {"candidate", "constant", "item_click_rate", "logistic_regression"} == set(card["metrics"]["models"])
    assert all(of["auc"]["lower"] <= of["auc"]["value"] <= of["auc"]["upper"] for of in card["metrics"]["models"].values())
    assert card["verdict"]["blessed"]
    assert not card["verdict"]["has_baseline"]
    assert card["environment"]["tensorflow"].startswith("2.")
    assert {"model", "dataset", "schema", "transform_graph", "evaluation"} <= {one["as"] for one in card["lineage"]}
    assert all(one["id"] and Path(one["uri"]).exists() for one in card["lineage"])
    assert "the last blessed model" not in (extra / "model_card.md").read_text()
    assert "| AUC |" in (extra / "model_card.md").read_text()


def report_of(workspace: Workspace) -> Path:
    """The last run's report."""
    return max(workspace.state.glob("pipeline/model_report/report/*/report.html"), key=lambda path: int(path.parent.name))


@pytest.fixture(scope="module")
def first_report(first_run: Outcome, workspace: Workspace) -> Path:
    return report_of(workspace)


@pytest.mark.parametrize(("width", "dark"), [(360, False), (1280, True)])
def test_the_report_opens_offline_on_a_phone_and_a_desktop(
    first_report: Path, tmp_path: Path, width: int, dark: bool
) -> None:
    assert first_report.stat().st_size < 1_000_000
    seen = see(first_report, tmp_path, width, dark)
    assert seen.console == []
    assert seen.sections == list(SECTIONS)
    assert (seen.scripts, seen.outside) == (0, 0)
    # Wide tables and the picture of the network are scrolled by themselves.
    assert seen.width <= width
    assert seen.charts >= 13
    assert (sum(map(int, re.findall(r"\d+", seen.paper)[:3])) < 300) == dark


def test_the_report_tells_the_verdict_the_attention_and_the_features(
    first_report: Path, workspace: Workspace, tmp_path: Path
) -> None:
    told = see(first_report, tmp_path, 1280).text
    assert f"Published as version {workspace.versions[0].name}" in told
    assert "fails" not in told.split("How good it is")[0]
    for words in (
        "GAUC against the items\u2019 click rates",
        "User 3:",
        "Whiskers",
        "topic + keyword",
        "Permutation importance",
    ):
        assert words in told


def test_make_report_finds_the_last_runs_report(first_run: Outcome, first_report: Path, workspace: Workspace) -> None:
    found = workspace.python("-m", "pipeline", "report", DATA_ROOT=str(SAMPLE))
    assert found.status == 0
    assert str(first_report) in found.output


def test_prometheus_is_told_of_the_run(first_run: Outcome, workspace: Workspace) -> None:
    (path,) = workspace.state.glob("metrics/*.prom")
    told = path.read_text()
    for line in (
        'community_din_last_run_succeeded{pipeline="community-din"} 1.0',
        'community_din_rows{outcome="used",pipeline="community-din"} 30000.0',
        'community_din_model_blessed{pipeline="community-din"} 1.0',
    ):
        assert line in told.splitlines()
    for metric in ("auc", "gauc", "log_loss"):
        assert len(re.findall(rf'end="(value|lower|upper)",metric="{metric}"', told)) == 3
    version = re.search(r"community_din_published_version\{.*\} (\S+)", told)
    assert version is not None
    assert int(float(version[1])) == int(workspace.versions[0].name)
    assert {"trainer", "evaluator", "pusher"} <= set(re.findall(r'node="(\w+)"', told))


def test_tensorboard_logs_are_kept(first_run: Outcome, workspace: Workspace) -> None:
    assert list(workspace.state.glob("pipeline/trainer/model_run/*/train/events*"))


def test_a_second_run_on_unchanged_data_is_cached_and_publishes_nothing(first_run: Outcome, workspace: Workspace) -> None:
    second = workspace.run(DATA_ROOT=str(SAMPLE))
    assert second.status == 0
    assert len(workspace.versions) == 1
    assert {"example_gen", "statistics_gen", "transform", "trainer", "evaluator", "serving_validator"} <= cached_nodes(
        second
    )
    assert f"version {workspace.versions[0].name}" in second.output


def test_a_model_worse_than_the_last_blessed_one_is_refused(first_run: Outcome, workspace: Workspace) -> None:
    """The other bounds are lifted, so that only the comparison can refuse."""
    worse = workspace.run(DATA_ROOT=str(SAMPLE), **WORSE)
    assert worse.status == 0
    assert {"example_gen", "transform"} <= cached_nodes(worse)
    assert re.search(
        r"AUC against the last blessed model: -0\.\d+ \[.*\], must surely be at least -0\.\d+: FAILS", worse.output
    )
    assert "no: the model is not blessed" in worse.output
    assert len(workspace.versions) == 1


def test_a_model_trained_on_shuffled_labels_is_refused_by_the_default_bounds_on_the_beam_runner(
    workspace: Workspace, tmp_path: Path
) -> None:
    rows = read_sample()[:8000]
    labels = [row["act"] for row in rows]
    random.Random(0).shuffle(labels)
    write_rows(tmp_path / "shuffled.csv", [row | {"act": label} for row, label in zip(rows, labels, strict=True)])
    fresh = Workspace(tmp_path / "state")
    fresh.state.mkdir()
    outcome = fresh.run(DATA_ROOT=str(tmp_path), ENGINE="beam", EPOCHS="1")
    assert outcome.status == 0
    assert re.search(r"AUC: \+0\.[45]\d+ \[.*\], must surely be at least \+0\.5500: FAILS", outcome.output)
    assert "no: the model is not blessed" in outcome.output
    assert not fresh.versions


def test_too_many_bad_rows_stop_the_run_and_are_named(workspace: Workspace, tmp_path: Path) -> None:
    rows = read_sample()[:500]
    rows[123]["act"] = "yes"
    write_rows(tmp_path / "bad.csv", rows)
    before = workspace.versions
    outcome = workspace.run(DATA_ROOT=str(tmp_path), MAX_REJECTED_SHARE="0.001")
    assert outcome.status != 0
    assert (
        "Failed in example_gen: At most 0.1 % of the rows may be rejected. Received: 1 of 500 rows, 0.2 %." in outcome.output
    )
    assert re.search(r"bad\.csv, line 125: `act` must be 0 or 1\. Received: 'yes'", outcome.output)
    assert re.search(r"Log: \S+\.log", outcome.output)
    assert workspace.versions == before


def test_an_unknown_data_root_is_an_error_before_anything_runs(first_run: Outcome, workspace: Workspace) -> None:
    outcome = workspace.tfx("run", "create", "--engine=local", f"--pipeline_name={NAME}", DATA_ROOT="/no/such/folder")
    assert outcome.status != 0
    assert "Error: `DATA_ROOT` must be a folder of CSV files, or of spans. Received: /no/such/folder" in outcome.output


def test_a_refused_model_can_be_forced_out_and_the_summary_says_so_and_why(first_run: Outcome, workspace: Workspace) -> None:
    before = workspace.versions
    forced = workspace.run(DATA_ROOT=str(SAMPLE), **WORSE, FORCE_PUBLICATION="the old one harms users")
    assert forced.status == 0
    assert "trainer" in cached_nodes(forced)
    assert "yes, by force: not all bounds hold" in forced.output
    assert "FORCE_PUBLICATION: the old one harms users" in forced.output
    assert re.search(r"AUC against the last blessed model: -0\.\d+ \[.*\], must .*: FAILS", forced.output)
    assert workspace.versions[:-1] == before
