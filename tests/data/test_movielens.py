"""The MovieLens converter: nothing of the same second or later, newest last, split by time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from data.auc import popularity_auc
from data.csv_files import HEADER, read_rows
from data.movielens.convert import Conversion, MovieLensConfig, convert, main

MOVIES = [
    "1,Toy Story (1995),Adventure|Animation|Comedy",
    '2,"Lost, The: A Story (1962)",Sci-Fi|Drama',
    "3,No Year At All,(no genres listed)",
    "4,Heat (1995),Action|Crime",
    '5,Strange (2001),"Film:Noir, late|Drama"',
]
FILES = MovieLensConfig(layout="files")
DAY = 86_400
Row = dict[str, str]


def _source(folder: Path, ratings: Sequence[str], movies: Sequence[str] = MOVIES) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ratings.csv").write_text("\n".join(["userId,movieId,rating,timestamp", *ratings]) + "\n", "utf-8")
    (folder / "movies.csv").write_text("\n".join(["movieId,title,genres", *movies]) + "\n", "utf-8")
    return folder


def _convert(tmp_path: Path, ratings: Sequence[str], config: MovieLensConfig = FILES) -> tuple[Conversion, list[Row]]:
    result = convert(_source(tmp_path / "source", ratings), tmp_path / "out", config)
    return result, list(read_rows([*result.train_paths, *result.eval_paths]))


def test_first_event_of_a_user_knows_nothing(tmp_path: Path) -> None:
    _, rows = _convert(tmp_path, ["7,1,4.0,100"])
    cells = ["1", "7", "new", "1990s", "Adventure", "", "", "", "", "1"]
    assert rows == [dict(zip(HEADER, cells, strict=True))]


def test_ratings_from_four_are_liked(tmp_path: Path) -> None:
    _, rows = _convert(tmp_path, ["7,1,4.0,100", "7,2,3.5,200", "7,3,5.0,300"])
    assert [row["act"] for row in rows] == ["1", "0", "1"]


def test_events_of_the_same_second_do_not_know_each_other(tmp_path: Path) -> None:
    _, rows = _convert(tmp_path, ["7,1,5,100", "7,2,5,100", "7,4,5,100", "7,3,5,101"])
    assert [row["hist_keyword_id"] for row in rows] == ["", "", "", "1,2,4"]
    assert [row["follow_topic_id"] for row in rows][:3] == ["", "", ""]
    assert [row["all_topic_fav_7"] for row in rows][:3] == ["", "", ""]


def test_history_holds_liked_events_only_newest_last(tmp_path: Path) -> None:
    _, rows = _convert(tmp_path, ["7,4,5,300", "7,1,4,100", "7,2,1,200", "7,3,4,400"])
    assert [row["keyword_id"] for row in rows] == ["1", "2", "4", "3"]
    assert rows[-1]["hist_keyword_id"] == "1,4"
    assert rows[-1]["hist_topic_id"] == "Adventure,Action"


def test_users_do_not_know_each_other(tmp_path: Path) -> None:
    _, rows = _convert(tmp_path, ["7,1,5,100", "8,2,5,200"])
    assert [row["hist_keyword_id"] for row in rows] == ["", ""]


def test_later_events_never_change_earlier_rows(tmp_path: Path) -> None:
    ratings = [
        f"{user},{1 + (user + t) % 5},{1 + (3 * user + t) % 5},{100 * (t // 2)}" for user in (7, 8) for t in range(40)
    ]
    _, rows = _convert(tmp_path / "all", ratings)
    earlier = [line for line in ratings if int(line.split(",")[3]) <= 900]
    _, prefix = _convert(tmp_path / "prefix", earlier)
    assert rows[: len(prefix)] == prefix


def test_history_keeps_the_newest_fifty(tmp_path: Path) -> None:
    movies = [f"{i},M{i} (1999),Drama" for i in range(60)]
    source = _source(tmp_path / "source", [f"7,{i},5,{100 + i}" for i in range(60)], movies)
    rows = list(read_rows(convert(source, tmp_path / "out", FILES).train_paths))
    assert rows[-1]["hist_keyword_id"] == ",".join(str(i) for i in range(9, 59))


def test_profiles_count_earlier_liked_topics(tmp_path: Path) -> None:
    ratings = ["7,2,5,100", "7,4,5,101", "7,4,5,102", f"7,1,5,{50 + 7 * DAY}", f"7,1,1,{101 + 7 * DAY}"]
    _, rows = _convert(tmp_path, ratings)
    assert rows[3]["follow_topic_id"] == "Action,Sci-Fi"
    assert rows[3]["all_topic_fav_7"] == "Action:0.6667,Sci-Fi:0.3333"
    assert rows[4]["follow_topic_id"] == "Action,Adventure,Sci-Fi"
    assert rows[4]["all_topic_fav_7"] == "Action:0.6667,Adventure:0.3333"


def test_client_type_counts_earlier_events(tmp_path: Path) -> None:
    _, rows = _convert(tmp_path, [f"7,1,1,{100 + i}" for i in range(201)])
    kinds = [row["client_type"] for row in rows]
    assert kinds == ["new"] * 20 + ["casual"] * 180 + ["heavy"]


def test_tokens_are_free_of_separators(tmp_path: Path) -> None:
    _, rows = _convert(tmp_path, ["7,2,5,1", "7,3,5,2", "7,5,5,3"])
    assert [row["topic_id"] for row in rows] == ["Sci-Fi", "(no genres listed)", "Film Noir late"]
    assert [row["post_type"] for row in rows] == ["before 1970", "unknown", "2000s"]


def test_malformed_lines_and_unknown_movies_are_skipped_and_counted(tmp_path: Path) -> None:
    ratings = ["7,1,5,100", "x,1,5,100", "7,1,nan,100", "7,1,5", "7,1,9,100", "7,y,5,100", "7,99,5,100", "7,2,5,200"]
    source = _source(tmp_path / "source", ratings, [*MOVIES, "1,Again (1999),Drama", "z,Odd (1999),Drama"])
    result = convert(source, tmp_path / "out", FILES)
    assert (result.skipped.ratings, result.skipped.unknown, result.skipped.movies) == (5, 1, 2)
    assert result.train_rows == 2


def test_a_byte_order_mark_is_no_part_of_the_header(tmp_path: Path) -> None:
    source = _source(tmp_path / "source", ["7,1,5,100"])
    text = (source / "ratings.csv").read_text("utf-8")
    (source / "ratings.csv").write_text(text, "utf-8-sig")
    assert convert(source, tmp_path / "out", FILES).train_rows == 1


def test_train_events_are_earlier_than_eval_events(tmp_path: Path) -> None:
    seconds = [100, 200, 300, 400, 500, 600, 600, 600, 600, 700]
    ratings = [f"{user},1,5,{second}" for user, second in enumerate(seconds)]
    result, _ = _convert(tmp_path, ratings, MovieLensConfig())
    train = [int(row["client_id"]) for row in read_rows(result.train_paths)]
    evaluation = [int(row["client_id"]) for row in read_rows(result.eval_paths)]
    assert (train, evaluation) == ([0, 1, 2, 3, 4], [5, 6, 7, 8, 9])


def test_span_cut_by_the_split_has_a_file_on_either_side(tmp_path: Path) -> None:
    ratings = [f"7,1,5,{day * DAY}" for day in range(10)]
    result, _ = _convert(tmp_path, ratings, MovieLensConfig(span_days=7))
    names = [path.relative_to(tmp_path / "out").as_posix() for path in (*result.train_paths, *result.eval_paths)]
    assert names == ["train/1970-01-01.csv", "train/1970-01-08.csv", "eval/1970-01-08.csv"]
    assert (result.train_rows, result.eval_rows) == (8, 2)


def test_spans_are_counted_from_the_first_event_and_empty_ones_left_out(tmp_path: Path) -> None:
    result, _ = _convert(tmp_path, [f"7,1,5,{day * DAY + 99}" for day in (3, 9, 10, 31)], MovieLensConfig("files", 7))
    assert [path.name for path in result.train_paths] == ["1970-01-04.csv", "1970-01-11.csv", "1970-02-01.csv"]


def test_min_history_leaves_out_cold_rows_and_their_files(tmp_path: Path) -> None:
    ratings = ["7,1,5,100", f"7,2,5,{DAY}", f"7,4,1,{2 * DAY}"]
    _convert(tmp_path, ratings, MovieLensConfig("files", 1))
    result, rows = _convert(tmp_path, ratings, MovieLensConfig("files", 1, min_history=2))
    assert [row["hist_keyword_id"] for row in rows] == ["1,2"]
    assert sorted((tmp_path / "out").iterdir()) == list(result.train_paths)


def test_popularity_is_learned_from_train_rows_only() -> None:
    train = [{"keyword_id": movie, "act": act} for movie, act in [("a", "1"), ("a", "1"), ("b", "0"), ("b", "0")]]
    evaluation = [{"keyword_id": movie, "act": act} for movie, act in [("a", "1"), ("b", "0"), ("c", "1"), ("c", "0")]]
    assert popularity_auc(train, evaluation) == pytest.approx(3.5 / 4)
    assert popularity_auc(train, evaluation[2:]) == 0.5
    with pytest.raises(ValueError, match="`train_rows` must hold at least one row"):
        popularity_auc([], evaluation)


def test_command_reports_counts_and_popularity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _source(tmp_path / "source", [f"7,{1 + i % 2},{1 + 4 * (i % 2)},{i}" for i in range(10)] + ["7,99,5,5"])
    assert main(["--source", str(source), "--out", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    for part in ("train 8, eval 2", "1 of unknown movies", "AUC on eval  1.0000"):
        assert part in printed


def test_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--source", str(tmp_path), "--out", str(tmp_path / "out")]) == 2
    assert str(tmp_path / "movies.csv") in capsys.readouterr().err


def test_missing_column_is_named(tmp_path: Path) -> None:
    source = _source(tmp_path / "source", ["7,1,5,100"])
    (source / "ratings.csv").write_text("userId,movieId,rating\n7,1,5\n", "utf-8")
    with pytest.raises(ValueError, match=r"ratings\.csv must have the columns .* Received no \['timestamp'\]\."):
        convert(source, tmp_path / "out", FILES)


@pytest.mark.parametrize(
    ("ratings", "config", "message"),
    [
        (["7,99,5,100"], FILES, "must hold ratings of known movies"),
        (["7,1,5,100", "8,1,5,100"], MovieLensConfig(), "must span at least two seconds"),
        (["7,1,5,100"], MovieLensConfig("files", min_history=1), "`min_history` must leave at least one row"),
    ],
)
def test_nothing_to_write_is_an_error(tmp_path: Path, ratings: list[str], config: MovieLensConfig, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _convert(tmp_path, ratings, config)


@pytest.mark.parametrize("name", ["span_days", "favourite_days", "max_follows", "eval_share"])
def test_settings_must_be_positive(name: str) -> None:
    settings: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=rf"`{name}` must .* Received: 0\."):
        MovieLensConfig(**settings)
