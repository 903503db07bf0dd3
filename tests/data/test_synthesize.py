"""The synthetic rows: how many, where, always the same, and informative jointly only."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import math
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from data.auc import auc, auc_of_counts
from data.csv_files import HEADER, read_rows
from data.synthesize.command import main
from data.synthesize.interests import InterestConfig
from data.synthesize.synthesis import CHUNK_ROWS, SynthesisConfig, generate_chunks, synthesize

SMALL = SynthesisConfig(rows=1000)
Row = dict[str, str]


@pytest.fixture(scope="module")
def drawn() -> tuple[list[Row], np.ndarray]:
    chunks = list(generate_chunks(SynthesisConfig(rows=30_000, spans=1, seed=7), 0))
    rows = [dict(zip(HEADER, row, strict=True)) for rows, _ in chunks for row in rows]
    return rows, np.concatenate([impressions.probability for _, impressions in chunks])


def _entries(cell: str) -> list[str]:
    return cell.split(",") if cell else []


def _history(row: Row) -> list[tuple[str, str]]:
    return list(zip(_entries(row["hist_topic_id"]), _entries(row["hist_keyword_id"]), strict=True))


def test_rows_are_spread_over_daily_files(tmp_path: Path) -> None:
    result = synthesize(SMALL, tmp_path)
    assert [path.name for path in result.paths] == ["2026-01-01.csv", "2026-01-02.csv", "2026-01-03.csv"]
    assert [len(list(read_rows([path]))) for path in result.paths] == [334, 333, 333]
    assert result.rows == 1000


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("folders", ["2026-01-01/interactions.csv", "2026-01-02/interactions.csv", "2026-01-03/interactions.csv"]),
        ("train-eval", ["eval/2026-01-03.csv", "train/2026-01-01.csv", "train/2026-01-02.csv"]),
    ],
)
def test_layout_places_the_files(tmp_path: Path, layout: str, expected: list[str]) -> None:
    arguments = ["--out", str(tmp_path / "out"), "--rows", "30", "--layout", layout]
    assert main(arguments) == 0
    assert sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*.csv")) == expected
    truths = sorted(p.relative_to(tmp_path / "out.truth").with_suffix(".csv") for p in tmp_path.rglob("*.txt"))
    assert [path.as_posix() for path in truths] == expected


def test_same_seed_gives_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again = synthesize(SMALL, tmp_path / "a").paths, synthesize(SMALL, tmp_path / "b").paths
    other = synthesize(dataclasses.replace(SMALL, seed=1), tmp_path / "c").paths
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in again]
    assert all(p.read_bytes() != q.read_bytes() for p, q in zip(first, other, strict=True))


def test_rows_come_in_chunks_without_end() -> None:
    endless = generate_chunks(SynthesisConfig(rows=10**12, spans=1), 0)
    assert [len(rows) for rows, _ in itertools.islice(endless, 2)] == [CHUNK_ROWS, CHUNK_ROWS]


def test_memory_does_not_grow_with_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.synthesize.synthesis.CHUNK_ROWS", 400)
    peaks = []
    for chunks in (1, 5):
        tracemalloc.start()
        synthesize(SynthesisConfig(rows=400 * chunks, spans=1), tmp_path / str(chunks))
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2 * peaks[0]


def test_oracle_auc_is_the_auc_of_the_truth_files(tmp_path: Path) -> None:
    result = synthesize(SMALL, tmp_path / "out", tmp_path / "truth")
    labels = [int(row["act"]) for row in read_rows(result.paths)]
    lines = [line for path in sorted((tmp_path / "truth").iterdir()) for line in path.read_text().splitlines()]
    truth = [float(line) for line in lines]
    assert result.oracle_auc == pytest.approx(roc_auc_score(labels, truth), abs=1e-12)
    assert result.clicks == sum(labels)


def test_rows_of_one_class_have_no_auc() -> None:
    assert math.isnan(auc([0.1, 0.2], [1, 1]))
    assert math.isnan(auc([0.1, 0.2], [1, 0], [3, 0]))
    assert math.isnan(auc_of_counts({}))


def test_each_score_counts_its_rows() -> None:
    assert auc_of_counts({0.1: [3, 1], 0.2: [0, 1]}) == pytest.approx((3 * 1 + 3 * 1 / 2) / (3 * 2))


def test_oracle_auc_leaves_room_on_both_sides(drawn: tuple[list[Row], np.ndarray]) -> None:
    rows, probability = drawn
    assert 0.8 < auc(probability, [int(row["act"]) for row in rows]) < 0.9


def test_probability_follows_from_the_joint_match(drawn: tuple[list[Row], np.ndarray]) -> None:
    config = InterestConfig()
    for row, probability in zip(*drawn, strict=True):
        history = _history(row)
        match = (row["topic_id"], row["keyword_id"]) in history
        expected = config.click_if_match if match else config.click_if_no_match
        assert probability == (expected if history else config.base_rate)


def test_candidate_topic_and_keyword_are_each_in_the_history_once_whatever_the_class(
    drawn: tuple[list[Row], np.ndarray],
) -> None:
    for row in drawn[0]:
        if history := _history(row):
            assert [topic for topic, _ in history].count(row["topic_id"]) == 1
            assert [keyword for _, keyword in history].count(row["keyword_id"]) == 1


@pytest.mark.parametrize(
    "value",
    [
        *(lambda row, name=name: row[name] for name in HEADER if name != "act"),
        lambda row: row["topic_id"] + "," + row["keyword_id"],
        lambda row: str(len(_history(row))),
        lambda row: str(row["topic_id"] in _entries(row["follow_topic_id"])),
        lambda row: str(row["topic_id"] in [pair.split(":")[0] for pair in _entries(row["all_topic_fav_7"])]),
        lambda row: str([topic for topic, _ in _history(row)].index(row["topic_id"]) if _history(row) else -1),
    ],
    ids=[*HEADER[1:], "item", "history length", "topic followed", "topic favoured", "topic position"],
)
def test_every_value_has_the_base_click_rate(drawn: tuple[list[Row], np.ndarray], value: Callable[[Row], str]) -> None:
    counts: dict[str, list[int]] = collections.defaultdict(lambda: [0, 0])
    for row in drawn[0]:
        counts[value(row)][int(row["act"])] += 1
    base = InterestConfig().base_rate
    for negatives, positives in counts.values():
        rows = negatives + positives
        assert abs(positives - rows * base) < 4.5 * math.sqrt(rows * base * (1 - base)) + 1


def test_linear_model_of_single_columns_learns_nothing(drawn: tuple[list[Row], np.ndarray]) -> None:
    rows = drawn[0][:20_000]
    size = InterestConfig().topics
    inputs = np.zeros((len(rows), size * (size + 6)), np.float32)
    for i, row in enumerate(rows):
        topic, keyword = int(row["topic_id"]), int(row["keyword_id"])
        columns = [topic, size + keyword, 6 * size + size * topic + keyword]
        columns += [2 * size + int(t) for t in _entries(row["hist_topic_id"])]
        columns += [3 * size + int(t) for t in _entries(row["hist_keyword_id"])]
        columns += [4 * size + int(t) for t in _entries(row["follow_topic_id"])]
        columns += [5 * size + int(t.split(":")[0]) for t in _entries(row["all_topic_fav_7"])]
        inputs[i, columns] = 1
    labels = np.array([int(row["act"]) for row in rows])
    fitted, held_out = inputs[:12_000], inputs[12_000:]
    ridge = fitted.T @ fitted + 10 * np.eye(fitted.shape[1])
    weights = np.linalg.solve(ridge, fitted.T @ (labels[:12_000] - labels[:12_000].mean()))
    assert abs(auc(held_out @ weights, labels[12_000:]) - 0.5) < 0.025


def test_sample_has_empty_histories_zero_tokens_and_returning_users(drawn: tuple[list[Row], np.ndarray]) -> None:
    rows = drawn[0]
    empty = sum(not row["hist_topic_id"] for row in rows) / len(rows)
    assert empty == pytest.approx(InterestConfig().empty_share, abs=0.01)
    assert {"0"} < {row["topic_id"] for row in rows}
    assert {"0"} < {row["keyword_id"] for row in rows}
    assert len({row["client_id"] for row in rows}) == pytest.approx(1500, abs=15)
    follows = {(row["client_id"], row["follow_topic_id"]) for row in rows}
    assert len(follows) == len({row["client_id"] for row in rows})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rows", "0"], "`rows` must be positive. Received: 0."),
        (["--spans", "0"], "`spans` must lie between 1 and `rows` = 30000. Received: 0."),
        (["--seed", "-1"], "`seed` must not be negative. Received: -1."),
        (["--topics", "0"], "`topics` must be positive. Received: 0."),
        (["--min-history", "1"], "`min_history` must be at least 2. Received: 1."),
        (["--max-history", "11"], "limit = 6. Received: 11."),
        (["--click-if-match", "1.5"], "`click_if_match` must lie between 0 and 1. Received: 1.5."),
        (["--layout", "train-eval", "--eval-spans", "3"], "`eval_spans` must lie between 1 and `spans` - 1 = 2"),
        (["--truth", "{out}/truth"], "`truth` must lie outside of `out`"),
    ],
)
def test_wrong_argument_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    out = str(tmp_path / "out")
    assert main(["--out", out, *(argument.format(out=out) for argument in arguments)]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_csvs_of_other_runs_are_refused(tmp_path: Path) -> None:
    (tmp_path / "2025-12-31.csv").touch()
    with pytest.raises(FileExistsError, match=r"must hold no CSVs of other runs\. Received: .*2025-12-31\.csv"):
        synthesize(SMALL, tmp_path)
