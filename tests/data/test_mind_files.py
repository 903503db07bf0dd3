"""The MIND converter's files: every line accounted for, a file a day, nothing half written."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from data.csv_files import read_rows
from data.mind.convert import MindConfig, convert, main
from tests.data.mind_parts import NEWS, article, behavior, convert_part, write_part


@pytest.mark.parametrize(
    "bad",
    [
        "1\tU1\t11/12/2019 2:14:46 PM\tN1",
        behavior("N1", "N3-1") + "\tmore",
        behavior("N1", "N3-1", time="2019-11-12 14:14:46"),
        behavior("N1", "N3-1", time="13/12/2019 2:14:46 PM"),
        behavior("N1", "N3-1", user=""),
        behavior("N1", "N3-1", user="U1,U2"),
        behavior("N1", ""),
        behavior("N1", "N3 N4"),
        behavior("N1", "N3-2 -1"),
        "\t\t\t\t",
        " ",
    ],
)
def test_malformed_line_is_counted_and_its_neighbours_are_kept(tmp_path: Path, bad: str) -> None:
    good = behavior("N1", "N3-1")
    result, rows = convert_part(tmp_path, [bad, good, "", good])
    assert len(rows) == 2
    assert (result.counts.impressions, result.counts.impressions_malformed) == (2, 1)


def test_bad_utf8_spoils_its_own_line_only(tmp_path: Path) -> None:
    source = write_part(tmp_path / "source", [behavior("N1", "N3-1")])
    for name in ("news.tsv", "behaviors.tsv"):
        (source / name).write_bytes(b"caf\xe9\n" + (source / name).read_bytes())
    counts = convert([source], tmp_path / "out", MindConfig()).counts
    assert (counts.impressions, counts.impressions_malformed, counts.news, counts.news_malformed) == (1, 1, 4, 1)


def test_malformed_candidate_is_counted_and_its_neighbours_are_kept(tmp_path: Path) -> None:
    result, rows = convert_part(tmp_path, [behavior("N1", "N3-1 N4 N4-0 N4-x -1")])
    assert [row["act"] for row in rows] == ["1", "0"]
    assert result.counts.candidates_malformed == 3


def test_malformed_and_repeated_news_are_counted(tmp_path: Path) -> None:
    news = [*NEWS, NEWS[0].replace("golf", "again"), "N5\tsports", article("N6", ",", "x"), article("", "a", "b")]
    result, rows = convert_part(tmp_path, [behavior("", "N1-1 N5-0 N6-0")], news=news)
    assert [row["keyword_id"] for row in rows] == ["golf"]
    assert (result.counts.news, result.counts.news_malformed, result.counts.candidates_unknown) == (4, 4, 2)


def test_crlf_and_a_byte_order_mark_change_nothing(tmp_path: Path) -> None:
    behaviors = [behavior("N1 N2", "N3-1 N4-0"), behavior("", "N1-1", number=2), ""]
    _, plain = convert_part(tmp_path / "lf", behaviors)
    news = ["\ufeff" + NEWS[0], *NEWS[1:]]
    result, rows = convert_part(tmp_path / "crlf", ["\ufeff" + behaviors[0], *behaviors[1:]], news=news, end="\r\n")
    assert rows == plain
    assert (result.counts.news_malformed, result.counts.impressions_malformed) == (0, 0)


def test_days_in_any_order_each_get_a_file_in_the_order_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.span_writer._BUFFERED_ROWS", 3)
    times = ["11/14/2019 12:00:00 AM", "11/9/2019 11:59:59 PM", "11/14/2019 11:59:59 PM", "11/9/2019 12:30:00 AM"]
    lines = [behavior("", "N1-1 N2-0", user=f"U{i}", time=time) for i, time in enumerate(times)]
    result, _ = convert_part(tmp_path, lines)
    out = tmp_path / "out"
    assert result.train_paths == (out / "2019-11-09" / "interactions.csv", out / "2019-11-14" / "interactions.csv")
    users = [[row["client_id"] for row in read_rows([path])] for path in result.train_paths]
    assert users == [["U1", "U1", "U3", "U3"], ["U0", "U0", "U2", "U2"]]
    assert sorted(path.name for path in out.iterdir()) == ["2019-11-09", "2019-11-14"]


def test_memory_does_not_grow_with_the_impressions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.span_writer._BUFFERED_ROWS", 50)
    peaks = []
    for impressions in (100, 1000):
        lines = [behavior("N1 " * 100, "N1-1 N2-0", number=number) for number in range(impressions)]
        source = write_part(tmp_path / str(impressions), lines)
        tracemalloc.start()
        convert([source], tmp_path / f"out-{impressions}", MindConfig())
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


def test_train_eval_keeps_the_last_days_for_evaluation(tmp_path: Path) -> None:
    lines = [behavior("N1", "N3-1 N4-0", time=f"11/{day}/2019 8:00:00 AM") for day in (15, 13, 14)]
    result, _ = convert_part(tmp_path, lines, layout="train-eval")
    names = [path.relative_to(tmp_path / "out").as_posix() for path in (*result.train_paths, *result.eval_paths)]
    assert names == ["train/2019-11-13.csv", "train/2019-11-14.csv", "eval/2019-11-15.csv"]
    assert result.popularity_auc == 1.0


def test_several_parts_share_their_news(tmp_path: Path) -> None:
    train = write_part(tmp_path / "train", [behavior("N1", "N1-1")], NEWS[:2])
    changed = article("N2", "weather", "rain")
    dev = write_part(tmp_path / "dev", [behavior("N1 N2", "N3-0", time="11/15/2019 1:00:00 AM")], [changed, *NEWS[2:]])
    result = convert([train, dev], tmp_path / "out", MindConfig(layout="files"))
    assert [path.name for path in result.train_paths] == ["2019-11-12.csv", "2019-11-15.csv"]
    assert (result.counts.news, result.counts.news_malformed, result.counts.history_unknown) == (4, 0, 0)
    assert [row["hist_topic_id"] for row in read_rows(result.train_paths)] == ["sports", "sports,sports"]


def test_negative_share_thins_candidates_without_a_click_only(tmp_path: Path) -> None:
    lines = [behavior("N1", "N3-1 N1-0 N2-0 N3-0 N4-0", number=number) for number in range(500)]
    _, every = convert_part(tmp_path / "all", lines)
    result, rows = convert_part(tmp_path / "some", lines, negative_share=0.25)
    again, _ = convert_part(tmp_path / "again", lines, negative_share=0.25)
    counts = result.counts
    assert counts.clicks == 500
    assert counts.rows - counts.clicks == pytest.approx(500, abs=80)
    assert counts.rows + counts.candidates_left_out == len(every) == 2500
    assert result.train_paths[0].read_bytes() == again.train_paths[0].read_bytes()
    kept = iter(every)
    assert all(row in kept for row in rows)


@pytest.mark.parametrize("lines", [1, 150])
def test_split_without_labels_is_refused_and_nothing_is_left(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], lines: int
) -> None:
    source = write_part(tmp_path / "MINDlarge_test", [behavior("N1", "N3 N4", number=number) for number in range(lines)])
    assert main(["--source", str(source), "--out", str(tmp_path / "out")]) == 2
    assert "behaviors.tsv must label its candidates" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_first_hundred_impressions_tell_whether_there_are_labels(tmp_path: Path) -> None:
    unlabelled, labelled = behavior("N1", "N3 N4"), behavior("N1", "N3-1")
    result, rows = convert_part(tmp_path / "stray", [*[unlabelled] * 99, labelled, *[unlabelled] * 200])
    assert (len(rows), result.counts.impressions_malformed) == (1, 299)
    with pytest.raises(ValueError, match=r"Received: 100 impressions without any label\."):
        convert_part(tmp_path / "test-split", [*[unlabelled] * 100, labelled])


def test_failure_in_the_second_part_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    good = write_part(tmp_path / "train", [behavior("N1", "N3-1")])
    test = write_part(tmp_path / "test", [behavior("N1", "N3 N4")])
    (tmp_path / "out").mkdir()
    with pytest.raises(ValueError, match="the test split has no labels"):
        convert([good, test], tmp_path / "out", MindConfig())
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("name", ["news.tsv", "behaviors.tsv"])
def test_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    source = write_part(tmp_path / "source", [behavior("N1", "N3-1")])
    (source / name).unlink()
    assert main(["--source", str(source), "--out", str(tmp_path / "out")]) == 2
    assert str(source / name) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("behaviors", "news", "settings", "message"),
    [
        ([behavior("", "N9-1")], NEWS, {}, "must hold candidates that news.tsv knows"),
        ([], NEWS, {}, "must hold candidates that news.tsv knows"),
        (
            [behavior("", "N1-1")],
            ["no\ttabs"],
            {},
            "must hold news in 8 cells separated by tabs",
        ),
        ([behavior("", "N1-1")], NEWS, {"layout": "train-eval"}, "`eval_days` must be below the number of days = 1"),
    ],
)
def test_nothing_to_write_is_an_error(
    tmp_path: Path, behaviors: list[str], news: list[str], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        convert_part(tmp_path, behaviors, news=news, **settings)
    assert not (tmp_path / "out").exists()


def test_part_given_twice_is_refused(tmp_path: Path) -> None:
    source = write_part(tmp_path / "source", [behavior("", "N1-1")])
    with pytest.raises(ValueError, match="`source` must name each part once"):
        convert([source, source / ".." / "source"], tmp_path / "out", MindConfig())


def test_out_with_csvs_is_refused(tmp_path: Path) -> None:
    source = write_part(tmp_path / "source", [behavior("", "N1-1")])
    convert([source], tmp_path / "out", MindConfig())
    with pytest.raises(FileExistsError, match="must hold no CSVs"):
        convert([source], tmp_path / "out", MindConfig())


def test_command_accounts_for_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = write_part(
        tmp_path / "a", [behavior("N9 N1", "N3-1 N9-0 N4"), "bad"], [*NEWS, "bad", article("N7", "a", "b", "", "[")]
    )
    second = write_part(tmp_path / "b", [behavior("", "N4-0")])
    assert main(["--source", str(first), "--source", str(second), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    for part in (
        "rows         2 in 1 files, click rate 0.5000",
        "impressions  2, and 1 malformed lines",
        "skipped: 1 malformed, 1 of unknown news, 0 left out",
        "histories    1 entries of unknown news dropped",
        "news         5, and 1 malformed lines; 1 unreadable lists of entities",
    ):
        assert part in printed


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("layout", "x"),
        ("keyword", "x"),
        ("eval_days", 0),
        ("max_follows", 0),
        ("negative_share", 0),
        ("negative_share", 1.5),
    ],
)
def test_settings_are_checked(name: str, value: object) -> None:
    settings: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=rf"`{name}` must .* Received: {value!r}\."):
        MindConfig(**settings)
