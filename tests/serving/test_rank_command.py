"""The `rank` command, run as a person runs it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from serving.server.process import RunningServer
from tests.serving.support import free_port

ROOT = Path(__file__).parents[2]
USER = ROOT / "serving" / "examples" / "user.json"
CANDIDATES = ROOT / "serving" / "examples" / "candidates.csv"
COUNT = len(CANDIDATES.read_text().splitlines()) - 1


def rank(*arguments: object, user: Path = USER, candidates: Path = CANDIDATES) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "serving.rank", "--user", user, "--candidates", candidates, *arguments]
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.mark.slow
def test_a_table_lists_every_candidate_best_first(server: RunningServer) -> None:
    run = rank("--server", server.grpc_address)
    assert run.returncode == 0, run.stderr
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in run.stdout.splitlines() if line.startswith("│")]
    assert [row[0] for row in rows] == [str(place) for place in range(1, COUNT + 1)]
    assert sorted(int(row[1]) for row in rows) == list(range(COUNT))
    scores = [float(row[-1]) for row in rows]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.slow
def test_grpc_and_rest_give_the_same_json(server: RunningServer) -> None:
    over_grpc = json.loads(rank("--server", server.grpc_address, "--json").stdout)
    over_rest = json.loads(rank("--server", server.rest_url, "--rest", "--json").stdout)
    with CANDIDATES.open() as file:
        given = list(csv.DictReader(file))
    for ours, theirs in zip(over_grpc, over_rest, strict=True):
        assert ours["score"] == pytest.approx(theirs["score"], abs=1e-5)
        assert ours["candidate"] == theirs["candidate"]
        assert given[ours["candidate"]].items() <= ours.items()


@pytest.mark.slow
def test_an_explanation_shows_the_heaviest_entries_of_the_history(server: RunningServer) -> None:
    run = rank("--server", server.grpc_address, "--explain", "--past", 2, "--json")
    user = json.loads(USER.read_text())
    entries = list(zip(user["hist_topic_id"], user["hist_keyword_id"], strict=True))
    for row in json.loads(run.stdout):
        attended = row["attended"]
        assert len(attended) == 2
        assert attended[0]["weight"] >= attended[1]["weight"]
        assert all(entries[entry["position"]] == tuple(entry["tokens"].values()) for entry in attended)
    table = rank("--server", server.grpc_address, "--explain", "--past", 2).stdout
    assert "hist_topic_id / hist_keyword_id" in table
    assert f"{attended[0]['tokens']['hist_topic_id']} / {attended[0]['tokens']['hist_keyword_id']} (" in table


@pytest.mark.slow
def test_top_shows_the_best_only(server: RunningServer) -> None:
    everything = json.loads(rank("--server", server.grpc_address, "--json").stdout)
    assert json.loads(rank("--server", server.grpc_address, "--json", "--top", 3).stdout) == everything[:3]


@pytest.mark.slow
def test_an_id_column_is_shown_and_not_sent(server: RunningServer, tmp_path: Path) -> None:
    named = tmp_path / "candidates.json"
    named.write_text(json.dumps([{"post_type": 0, "topic_id": "4", "keyword_id": "3", "item": "[red]first"}]))
    run = rank("--server", server.grpc_address, "--id", "item", candidates=named)
    assert run.returncode == 0, run.stderr
    assert "[red]first" in run.stdout


@pytest.mark.slow
def test_a_user_may_be_a_csv_row(server: RunningServer, tmp_path: Path) -> None:
    row = tmp_path / "user.csv"
    row.write_text(
        "client_type,follow_topic_id,all_topic_fav_7,hist_topic_id,hist_keyword_id\n"
        '0,"1,0,2,5","2:0.3271,1:0.2597,5:0.2214,3:0.1919","2,4,1,5,0","5,0,3,4,1"\n'
    )
    assert (
        rank("--server", server.grpc_address, "--json", user=row).stdout
        == rank("--server", server.grpc_address, "--json").stdout
    )


@pytest.mark.slow
def test_an_unknown_model_is_the_servers_error(server: RunningServer) -> None:
    run = rank("--server", server.grpc_address, "--model-name", "other")
    assert (run.returncode, run.stdout) == (1, "")
    assert "NOT_FOUND: Servable not found for request" in run.stderr


@pytest.mark.parametrize("flags", [[], ["--rest"]])
def test_no_server_is_an_error_without_a_trace(flags: list[str]) -> None:
    run = rank("--server", f"localhost:{free_port()}", "--attempts", 1, *flags)
    assert (run.returncode, run.stdout) == (1, "")
    assert "UNAVAILABLE" in run.stderr
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("user.json", "{", "The file must be JSON."),
        ("user.json", "[1]", "Objects of column and value are expected. Received: 1."),
        ("user.json", "[]", "A user must be one JSON object, or one CSV row. Received: 0."),
        ("user.json", '{"client_type": "0"}', "The user must have the columns"),
        ("user.json", "[" * 100_000, "The file must be JSON."),
        ("user.csv", "", "The first line must name each column once."),
        ("user.csv", "a,a\n1,2\n", "The first line must name each column once. Received: ['a', 'a']."),
        ("user.csv", "a,b\n1\n", "row 1: A row must have 2 cells. Received: ['1']."),
        ("user.csv", 'a\n"1\n', "The file must be valid CSV."),
        ("user.txt", "", "The name must end in one of ['.json', '.csv']. Received: 'user.txt'."),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_rule(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    run = rank("--server", f"localhost:{free_port()}", user=path)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_or_not_utf8_is_named(tmp_path: Path) -> None:
    assert "No such file or directory" in rank(user=tmp_path / "user.json").stderr
    (tmp_path / "user.csv").write_bytes(b"\xff")
    assert "must be UTF-8" in rank(user=tmp_path / "user.csv").stderr


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--top", "0"], "`--top` must be positive. Received: 0."),
        (["--past", "-1"], "`--past` must be positive. Received: -1."),
        (["--deadline", "0"], "`deadline` must be positive. Received: 0.0."),
        (["--id", "topic_id"], "`--id` must name a column that the model does not know. Received: 'topic_id'."),
        (["--id", "item"], "Candidate 0 must have the column of `--id`. Missing: 'item'."),
        (["--certificate", "x"], "`certificate` and `key` must be given together."),
        (["--authorities", "nowhere.pem"], "No such file or directory: 'nowhere.pem'"),
    ],
)
def test_flags_that_cannot_be_used_are_named(flags: list[str], message: str) -> None:
    run = rank(*flags)
    assert run.returncode == 2
    assert message in run.stderr
