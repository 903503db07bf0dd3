"""The `score` command, run as `make score` runs it."""

from __future__ import annotations

import csv
import gzip
import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from pipeline.lock import locked
from serving.server.process import RunningServer
from tests import zygote
from tests.end_to_end.conftest import Workspace
from tests.serving.support import MODEL
from tests.support import RawRow, raw_row, rows_of_default
from transform.features import DECLARATION

pytestmark = pytest.mark.slow

INPUTS = DECLARATION.serving_columns


@pytest.fixture
def workspace(tmp_path: Path, models: Path) -> Workspace:
    """A folder of state with the small model as version 1."""
    state = tmp_path / "state"
    state.mkdir()
    (state / "serving").symlink_to(models)
    return Workspace(state)


def score(workspace: Workspace, source: Path, out: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = workspace.environment(INPUT=str(source), OUTPUT=str(out), **settings)
    return zygote.run([sys.executable, "-m", "pipeline", "score"], environment, Path(__file__).parents[2])


def write(path: Path, rows: Sequence[RawRow | str], columns: Sequence[str]) -> None:
    """Writes rows, or whole lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", newline="") if path.suffix == ".gz" else path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for row in rows:
            if isinstance(row, str):
                file.write(f"{row}\n")
            else:
                writer.writerow(row)


def read(out: Path) -> list[dict[str, str]]:
    rows = []
    for path in sorted(out.glob("scores-*.csv")):
        with path.open(newline="") as file:
            rows += list(csv.DictReader(file))
    return rows


def served(server: RunningServer, rows: Sequence[Mapping[str, str]]) -> list[float]:
    body = json.dumps({"instances": [{name: row[name] for name in INPUTS} for row in rows]}).encode()
    with urllib.request.urlopen(f"{server.rest_url}/v1/models/{MODEL}:predict", body) as answer:
        return [float(score) for score in json.load(answer)["predictions"]]


def test_rows_score_as_they_are_served(workspace: Workspace, tmp_path: Path, server: RunningServer) -> None:
    rows: list[RawRow] = [row | {"request": f'r "{i}", first'} for i, row in enumerate(rows_of_default(300))]
    bad = raw_row(all_topic_fav_7="3:high") | {"request": "bad"}
    write(tmp_path / "in" / "a.csv", [*rows[:80], bad, "", *rows[80:200]], ["request", *reversed(INPUTS), "client_id"])
    write(tmp_path / "in" / "b.csv.gz", rows[200:], ["client_id", "request", *INPUTS])
    settings = {"SCORE_COLUMNS": "request", "RANGE_BYTES": "3000", "SCORE_BATCH": "7"}
    run = score(workspace, tmp_path / "in", tmp_path / "out", **settings)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "301 read, 300 scored, 1 rejected" in run.stdout
    found = read(tmp_path / "out")
    assert list(found[0]) == ["file", "line", "client_id", "request", "score"]
    lines = [*range(2, 82), *range(84, 204)]
    assert [(row["file"], int(row["line"])) for row in found] == [
        *(("a.csv", line) for line in lines),
        *(("b.csv.gz", line) for line in range(2, 102)),
    ]
    assert [(row["client_id"], row["request"]) for row in found] == [(row["client_id"], row["request"]) for row in rows]
    assert [float(row["score"]) for row in found] == pytest.approx(served(server, rows), abs=1e-6)
    assert len({row["score"] for row in found}) > 100
    (letters,) = (tmp_path / "out").glob("dead_letters-*.jsonl")
    letter = json.loads(letters.read_text())
    assert (letter["file"], letter["line"], letter["rule"]) == (str(tmp_path / "in" / "a.csv"), 82, "weights")
    assert len(list((tmp_path / "out").glob("scores-*.csv"))) > 3
    assert {path.name for path in tmp_path.iterdir()} == {"state", "in", "out"}
    assert {path.name.split("-")[0] for path in (tmp_path / "out").iterdir()} == {"scores", "files", "dead_letters"}


def test_the_group_and_the_label_may_be_missing_and_another_command_at_work(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", rows_of_default(20), INPUTS)
    with locked(str(workspace.state), "run"):
        run = score(workspace, tmp_path / "a.csv", tmp_path / "out", SCORE_VERSION="1")
    assert run.returncode == 0, run.stdout + run.stderr
    found = read(tmp_path / "out")
    assert [list(row) for row in found] == [["file", "line", "score"]] * 20
    assert {row["file"] for row in found} == {"a.csv"}


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        (INPUTS, {"SCORE_VERSION": "2"}, "`SCORE_VERSION` must be a published version: 1. Received: 2."),
        (INPUTS, {"SCORE_COLUMNS": "request"}, "missing: request"),
        (INPUTS, {"SCORE_COLUMNS": "line"}, "`SCORE_COLUMNS` must not be named file, line or score. Received: line."),
        (INPUTS[1:], {}, f"missing: {INPUTS[0]}"),
        (INPUTS, {"MAX_REJECTED_SHARE": "0"}, "At most 0 % of the rows may be rejected. Received: 1 of 6 rows"),
    ],
)
def test_what_cannot_be_scored_leaves_nothing(
    workspace: Workspace, tmp_path: Path, columns: Sequence[str], settings: Mapping[str, str], message: str
) -> None:
    write(tmp_path / "a.csv", [*rows_of_default(5), raw_row(topic_id="1,2")], columns)
    run = score(workspace, tmp_path / "a.csv", tmp_path / "out", **{"MAX_REJECTED_SHARE": "1", **settings})
    assert run.returncode == 1
    assert message in run.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"state", "a.csv"}


def test_scores_are_never_written_over(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "a.csv", rows_of_default(5), INPUTS)
    (tmp_path / "out").mkdir()
    run = score(workspace, tmp_path / "a.csv", tmp_path / "out")
    assert run.returncode == 1
    assert f"`OUTPUT` must not be there yet. Received: {tmp_path / 'out'}." in run.stdout
    assert list((tmp_path / "out").iterdir()) == []
