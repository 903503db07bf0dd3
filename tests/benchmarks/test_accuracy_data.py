"""Tests of what the accuracy benchmark reads and measures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks._accuracy_baselines import click_rates
from benchmarks._accuracy_data import read_log, shortened
from benchmarks._accuracy_metrics import measure
from components.evaluation.models import CONSTANT, ITEMS
from data.csv_files import write_rows
from transform.features import DECLARATION


def row(client: int, topic: str, history: str = "") -> list[str]:
    """act, client_id, client_type, post_type, topic_id, follow, favourites, topics, keywords, keyword: as the header."""
    return ["1", str(client), "0", "0", topic, "7, 8", "7:0.5,9:0.25", history, history, "k"]


def test_gauc_weighs_clients_by_rows_and_skips_those_of_one_class() -> None:
    scores = np.array([0.9, 0.1, 0.6, 0.5, 0.4, 0.7, 0.3])
    labels = np.array([1, 0, 1, 1, 0, 0, 1])
    clients = np.array([0, 0, 1, 1, 1, 1, 2])
    # Client 0: 1 of 2 rows. Client 1: positives .6 and .5 win against .4, lose against .7: AUC 1/2 of 4 rows.
    assert np.isclose(measure(scores, labels, clients)["gauc"], (2 * 1 + 4 * 0.5) / 6)


def test_the_newest_day_judges_and_some_clients_of_the_day_before_tell_when_to_stop(tmp_path: Path) -> None:
    for day in (1, 2, 3):
        write_rows(tmp_path / f"2026-01-0{day}" / "a.csv", [row(client, str(day)) for client in range(200)])
    log = read_log(tmp_path)
    assert (len(log.train) + len(log.validation), len(log.judge)) == (400, 200)
    assert 20 < len(log.validation) < 60
    # The third day's topic is unknown, the second's is not.
    assert set(log.judge.features["topic_id"]) == {1}
    assert len(set(log.validation.features["topic_id"])) == 1
    assert set(log.validation.features["topic_id"]) < set(log.train.features["topic_id"])
    assert len(read_log(tmp_path, drop_newest=1).judge) == 200


def test_cells_become_ids_weights_and_newest_entries(tmp_path: Path) -> None:
    history = ",".join(str(i % 4) for i in range(60))
    for part in ("train", "eval"):
        write_rows(tmp_path / part / "a.csv", [row(client, "3", history) for client in range(30)])
    features = read_log(tmp_path).judge.features
    assert features["hist_topic_id"].shape[1] == 50
    # The sixtieth entry is the candidate's topic; 50 entries before the end stands the eleventh, '2'.
    assert set(features["hist_topic_id"][:, -1]) == set(features["topic_id"])
    assert np.all(features["hist_topic_id"][:, 0] == features["hist_topic_id"][:, 4])
    assert np.all(features["follow_topic_id"][:, 0] == features["all_topic_fav_7"][:, 0])
    np.testing.assert_array_equal(features["all_topic_fav_7_weight"][0], [0.5, 0.25])


def test_shortened_histories_keep_their_newest_entries(tmp_path: Path) -> None:
    for part in ("train", "eval"):
        write_rows(tmp_path / part / "a.csv", [row(client, "3", h) for client in range(30) for h in ("1,2,3", "4", "")])
    log = read_log(tmp_path)
    whole, short = (rows.judge.features for rows in (log, shortened(log, DECLARATION, 2)))
    for column in ("hist_topic_id", "hist_keyword_id"):
        np.testing.assert_array_equal(short[column][0], whole[column][0, 1:])
        np.testing.assert_array_equal(short[column][1], whole[column][1, :2])
        np.testing.assert_array_equal(short[column][2], [0, 0])
    np.testing.assert_array_equal(short["topic_id"], whole["topic_id"])


def test_click_rates_are_those_of_the_rows_that_train(tmp_path: Path) -> None:
    for part, topics in (("train", ("3", "3", "5")), ("eval", ("5", "3", "9"))):
        rows = [row(client, topic) for client in range(40) for topic in topics]
        write_rows(tmp_path / part / "a.csv", [["0", *cells[1:]] if cells[4] == "5" else cells for cells in rows])
    log = read_log(tmp_path)
    scores = click_rates(log.known, log.judge, DECLARATION)
    np.testing.assert_allclose(scores[CONSTANT], 2 / 3, rtol=1e-6)
    of_3, of_5 = (80 + 10 * 2 / 3) / (80 + 10), (10 * 2 / 3) / (40 + 10)
    np.testing.assert_allclose(scores[ITEMS][:3], [of_5, of_3, 2 / 3], rtol=1e-6)
