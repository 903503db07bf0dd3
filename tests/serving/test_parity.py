"""Served requests beside the model and the rows that it was judged by: what was asked of a real server, over gRPC."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from rich.console import Console
from tensorflow_serving.apis import prediction_log_pb2

from pipeline.parity.measures import Finding, click_findings
from pipeline.parity.parity import compare, print_findings
from pipeline.parity.served_log import ServedRow, joined, read_log
from pipeline.parity.settings import ParitySettings
from serving.client import RankingClient, log_line
from serving.server.process import start
from tests.pipeline.published_world import World
from tests.serving.support import MODEL, VERSION
from tests.support import RawRow, random_rows, serialized
from transform.features import DECLARATION

ROOT = Path(__file__).parents[2]
USER, ITEM = DECLARATION.side_columns("user"), DECLARATION.side_columns("item")
CANDIDATES = 5


class Served:
    """A published version, the data that it was judged by, and a log of what a server of it was asked."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.world = World(folder)
        self.folder = folder
        examples = folder / "examples"
        for split, seed in (("train", 1), ("eval", 2)):
            (examples / f"Split-{split}").mkdir(parents=True)
            with tf.io.TFRecordWriter(str(examples / f"Split-{split}" / "0.gz"), "GZIP") as writer:
                for record in serialized(random_rows(DECLARATION, 500, seed=seed), DECLARATION):
                    writer.write(record)
        self.world.run("", 1, saved_model=model, examples=str(examples))
        self.rows = random_rows(DECLARATION, 500, seed=3)
        self.log = folder / "requests.tfrecord"
        flags = (f"--model_name={MODEL}", f"--model_base_path={self.world.config.serving_root}")
        with (
            start(*flags, f"--request_log={self.log}") as server,
            RankingClient(server.grpc_address, deadline=60) as client,
        ):
            self.lines = [_line(client, self.rows[at : at + CANDIDATES]) for at in range(0, 500, CANDIDATES)]

    def compare(self, lines: list[dict[str, Any]], clicks: list[RawRow] | None = None) -> list[Finding]:
        """What is found in a client's log of these lines."""
        log = self.folder / "log.jsonl"
        log.write_text("".join(json.dumps(line) + "\n" for line in lines))
        if clicks is None:
            return compare(self.world.config, self.world.store, str(log))
        path = self.folder / "clicks.csv"
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(clicks[0]))
            writer.writeheader()
            writer.writerows(clicks)
        return compare(self.world.config, self.world.store, str(log), str(path))


def _line(client: RankingClient, rows: list[RawRow]) -> dict[str, Any]:
    user = {name: rows[0][name] for name in USER}
    candidates = [{name: row[name] for name in ITEM} for row in rows]
    line: dict[str, Any] = json.loads(log_line(user, client.rank(user, candidates), rows[0]["client_id"]))
    return line


@pytest.fixture(scope="module")
def served(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(tmp_path_factory.mktemp("parity"), models / MODEL / str(VERSION))


def changed(lines: list[dict[str, Any]], change: Callable[[dict[str, Any]], None]) -> list[dict[str, Any]]:
    copies: list[dict[str, Any]] = json.loads(json.dumps(lines))
    for line in copies:
        change(line)
    return copies


def alarms(findings: list[Finding]) -> set[tuple[str, str]]:
    return {(one.what, one.measure) for one in findings if one.alarms}


def test_what_was_served_as_judged_alarms_nobody(served: Served) -> None:
    (version,) = served.world.versions
    assert {line["version"] for line in served.lines} == {version}
    for findings in (
        served.compare(served.lines),
        compare(served.world.config, served.world.store, str(served.log)),
    ):
        assert alarms(findings) == set()
        measures = {(one.what, one.measure) for one in findings}
        assert {("score", "share that differs"), ("topic_id", "drift"), ("topic_id", "out of vocabulary")} <= measures
        assert ("hist_topic_id", "drift of lengths") in measures
    screen = io.StringIO()
    assert print_findings(findings, Console(file=screen, width=200)) == 0


def test_both_logs_tell_the_same(served: Served) -> None:
    from_server = read_log(str(served.log), DECLARATION, 10_000)
    assert len(from_server) == 500
    for row, line in zip(from_server[:CANDIDATES], [served.lines[0]] * CANDIDATES, strict=True):
        assert row.version == line["version"]
        assert {name: row.cells[name] for name in USER} == line["user"]
    assert [row.score for row in from_server[:CANDIDATES]] == pytest.approx(served.lines[0]["scores"])


def other_score(line: dict[str, Any]) -> None:
    line["scores"][0] += 1e-3


def other_items(line: dict[str, Any]) -> None:
    for candidate in line["candidates"]:
        candidate["topic_id"] = "nobody has seen this"


def no_history(line: dict[str, Any]) -> None:
    line["user"] |= {"hist_topic_id": "", "hist_keyword_id": ""}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (other_score, {("score", "share that differs")}),
        (other_items, {("topic_id", "drift"), ("topic_id", "out of vocabulary")}),
        (no_history, {("hist_topic_id", "drift of lengths"), ("hist_keyword_id", "drift of lengths")}),
    ],
)
def test_what_was_served_otherwise_alarms(
    served: Served, change: Callable[[dict[str, Any]], None], expected: set[tuple[str, str]]
) -> None:
    assert expected <= alarms(served.compare(changed(served.lines, change)))


def test_clicks_that_follow_the_scores_no_more_alarm() -> None:
    rng = np.random.default_rng(0)
    scores, judged = rng.uniform(0.1, 0.6, 4000), rng.uniform(0.1, 0.6, 4000)
    settings = ParitySettings()
    judged_clicks = (rng.random(4000) < judged).astype(float)
    as_scored, fewer = ((rng.random(4000) < share * scores).astype(float) for share in (1.0, 0.4))
    assert alarms(list(click_findings(scores, as_scored, judged, judged_clicks, settings))) == set()
    assert ("all scores", "clicks by scores, off") in alarms(
        list(click_findings(scores, fewer, judged, judged_clicks, settings))
    )


def test_clicks_are_joined_by_the_columns_that_both_sides_have(served: Served) -> None:
    rows = [ServedRow(1, 1, {"client_id": "7", "topic_id": topic}, 0.5) for topic in ("1", "2", "3")]
    clicks = [{"client_id": "7", "topic_id": "1", "act": "0"}, {"client_id": "7", "topic_id": "3", "act": "1"}]
    assert joined(rows, clicks, "act") == {0: 0, 2: 1}
    with pytest.raises(ValueError, match="`CLICKS` must have a column that the log has"):
        joined(rows, [{"impression_id": "1", "act": "1"}], "act")
    told = [{"client_id": row["client_id"], **{n: row[n] for n in ITEM}, "act": row["act"]} for row in served.rows]
    findings = served.compare(served.lines, told)
    assert any(one.measure == "clicks by scores, off" for one in findings)
    assert next(one.value for one in findings if one.what == "clicks") >= 1 / CANDIDATES


def test_a_padded_candidate_is_no_row(tmp_path: Path) -> None:
    log = prediction_log_pb2.PredictionLog()
    inputs = {name: [["1", ""]] for name in ITEM} | {name: ["1"] for name in USER}
    for name, values in inputs.items():
        log.predict_log.request.inputs[name].CopyFrom(tf.make_tensor_proto(values, tf.string))
    log.predict_log.response.outputs["score"].CopyFrom(tf.make_tensor_proto([[0.5, -1.0]]))
    with tf.io.TFRecordWriter(str(tmp_path / "log")) as writer:
        writer.write(log.SerializeToString())
    assert [row.score for row in read_log(str(tmp_path), DECLARATION, 10)] == [0.5]


def test_the_exit_status_tells_an_alarm_from_an_error(served: Served) -> None:
    log = served.folder / "exit.jsonl"

    def status(lines: list[dict[str, Any]]) -> int:
        log.write_text("".join(json.dumps(line) + "\n" for line in lines))
        out = served.folder / "found.json"
        settings = {"STATE_ROOT": served.world.config.state_root, "DATA_ROOT": str(served.folder), "OUTPUT": str(out)}
        command = [sys.executable, "-m", "pipeline", "parity", "--log", str(log)]
        done = subprocess.run(command, cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False)
        if done.returncode < 2:
            assert json.loads(out.read_text())["alarms"] == done.stdout.count("ALARM")
        return done.returncode

    assert status(changed(served.lines, other_score)) == 1
    assert status([{"scores": []}]) == 2
