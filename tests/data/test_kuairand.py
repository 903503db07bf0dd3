"""What the KuaiRand converter makes of files of the release's format."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from data.csv_files import HEADER, read_rows
from data.kuairand.convert import Conversion, KuaiRandConfig, convert, main
from tests.data.strict_reader import accepted_rows

LOG = (
    *("user_id", "video_id", "date", "hourmin", "time_ms", "is_click", "is_like", "is_follow", "is_comment", "is_forward"),
    *("is_hate", "long_view", "play_time_ms", "duration_ms", "profile_stay_time", "comment_stay_time", "is_profile_enter"),
    *("is_rand", "tab"),
)
VIDEO = (
    *("video_id", "author_id", "video_type", "upload_dt", "upload_type", "visible_status", "video_duration"),
    *("server_width", "server_height", "music_id", "music_type", "tag"),
)
USER = ["user_id", "user_active_degree", "is_lowactive_period", "follow_user_num"]
# 2022-04-21 04:16:41.301 in Beijing, the day before in Greenwich.
START = 1_650_485_801_301
DAY = 86_400_000
EARLY, LATE = "log_standard_4_08_to_4_21_pure.csv", "log_standard_4_22_to_5_08_pure.csv"

Row = Mapping[str, object]


def shown(user: object = 17387, video: object = 1, after: int = 0, **cells: object) -> Row:
    row: dict[str, object] = dict.fromkeys(LOG, 0)
    return row | {"user_id": user, "video_id": video, "time_ms": START + after, "duration_ms": 10_000, "tab": 1} | cells


def video(video_id: object, tag: str) -> Row:
    return dict.fromkeys(VIDEO, "0") | {"video_id": video_id, "tag": tag, "upload_dt": "2020-07-08"}


VIDEOS = [video(1, "12,65"), video(2, "8"), video(3, "")]


def write(path: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


def release(folder: Path, logs: Mapping[str, Sequence[Row]], videos: Sequence[Row] = VIDEOS) -> Path:
    for name, rows in logs.items():
        write(folder / "data" / name, LOG, rows)
    write(folder / "data" / "video_features_basic_pure.csv", VIDEO, videos)
    write(folder / "data" / "user_features_pure.csv", USER, [{"user_id": 17387, "user_active_degree": "full_active"}])
    # Another policy showed these: they are not read.
    write(folder / "data" / "log_random_4_22_to_5_08_pure.csv", LOG, [shown(after=1)])
    return folder


def converted(folder: Path, *rows: Row, **settings: Any) -> tuple[Conversion, list[dict[str, str]]]:
    source = release(folder / "source", {EARLY: rows}, settings.pop("videos", VIDEOS))
    result = convert(source, folder / "out", KuaiRandConfig(**settings))
    return result, list(read_rows(result.paths))


def test_an_impression_becomes_a_row(tmp_path: Path) -> None:
    before = [shown(video=2, long_view=1, is_like=1), shown(video=1, after=1, long_view=1), shown(video=3, after=2)]
    result, rows = converted(tmp_path, *before, shown(video=2, after=5, is_click=1))
    cells = ["1", "17387", "1", "to 18 s", "8", "8", "12:0.5000,8:0.5000", "8,12", "2,1", "2"]
    assert rows[-1] == dict(zip(HEADER, cells, strict=True))
    assert [row["topic_id"] for row in rows] == ["8", "12", "untagged", "8"]
    assert (result.rows, result.clicks) == (4, 1)
    assert accepted_rows(result.paths[0]) == rows


def test_what_is_not_past_tells_nothing(tmp_path: Path) -> None:
    """Neither the row itself, nor one of the same millisecond, nor later ones, in whatever order the files have them."""
    same = shown(video=2, after=10, long_view=1, is_like=1, is_click=1)
    later = shown(video=3, after=11, long_view=1, is_like=1, is_click=1)
    _, rows = converted(tmp_path, later, same, shown(video=1, after=10), shown(user=2, video=1, after=99))
    assert [row["keyword_id"] for row in rows] == ["1", "2", "3", "1"]
    user = ["follow_topic_id", "all_topic_fav_7", "hist_topic_id", "hist_keyword_id"]
    assert [[row[name] for name in user] for row in rows[:2]] == [[""] * 4] * 2
    assert rows[2]["hist_keyword_id"] == "2"
    assert [rows[3][name] for name in user] == [""] * 4


def test_a_click_or_a_like_alone_is_no_history(tmp_path: Path) -> None:
    _, rows = converted(tmp_path, shown(is_click=1, is_like=1), shown(after=1))
    assert (rows[1]["hist_topic_id"], rows[1]["all_topic_fav_7"], rows[1]["follow_topic_id"]) == ("", "", "12")


def test_days_are_those_of_beijing_and_both_logs_are_one_stream(tmp_path: Path) -> None:
    logs = {EARLY: [shown(long_view=1)], LATE: [shown(video=2, after=8 * DAY), shown(video=2, after=DAY)]}
    result = convert(release(tmp_path / "source", logs), tmp_path / "out", KuaiRandConfig())
    assert [path.relative_to(tmp_path / "out") for path in result.paths] == [
        Path(f"{day}/interactions.csv") for day in ("2022-04-21", "2022-04-22", "2022-04-29")
    ]
    rows = list(read_rows(result.paths))
    assert [row["hist_keyword_id"] for row in rows] == ["", "1", "1"]
    assert [row["all_topic_fav_7"] for row in rows] == ["", "12:1.0000", ""]


def test_histories_keep_the_newest_fifty(tmp_path: Path) -> None:
    _, rows = converted(tmp_path, *(shown(video=1 + (i >= 20), after=i, long_view=1) for i in range(60)), shown(after=99))
    assert rows[-1]["hist_keyword_id"] == ",".join(["1"] * 10 + ["2"] * 40)


@pytest.mark.parametrize(
    ("duration", "name"),
    [(0, "to 7 s"), (7000, "to 7 s"), (7001, "to 18 s"), (60_000, "to 60 s"), (180_000, "to 180 s"), (180_001, "longer")],
)
def test_the_form_is_the_length(tmp_path: Path, duration: int, name: str) -> None:
    _, rows = converted(tmp_path, shown(duration_ms=duration))
    assert rows[0]["post_type"] == name


def test_the_client_may_be_how_active_the_user_is(tmp_path: Path) -> None:
    _, rows = converted(tmp_path, shown(), shown(user=5, after=1), client="active-degree")
    assert [row["client_type"] for row in rows] == ["full_active", "UNKNOWN"]


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    bad: list[Row] = [
        shown(is_click=2),
        shown(long_view=""),
        shown(user=""),
        shown(time_ms=10**15),
        shown(video="x"),
        shown(tab=-1),
        shown(user="٣"),
    ]
    videos = [*VIDEOS, video(1, "9"), video("", "9")]
    result, rows = converted(tmp_path, *bad, shown(video=77), shown(), shown(), shown(tab=2), videos=videos)
    skipped = result.skipped
    assert (skipped.malformed, skipped.unknown, skipped.repeated, skipped.videos) == (7, 1, 1, 2)
    assert [row["client_type"] for row in rows] == ["1", "2"]


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "source", tmp_path / "out"
    arguments = ["--source", str(source), "--out", str(out)]
    source.mkdir()
    assert main(arguments) == 2
    assert f"error: {source / 'log_standard_*.csv'} must exist." in capsys.readouterr().err
    release(source, {EARLY: []})
    assert main(arguments) == 2
    assert "must hold impressions of known videos. Received: none." in capsys.readouterr().err
    write(source / "data" / EARLY, [name for name in LOG if name != "is_like"], [])
    assert main(arguments) == 2
    assert "Received no ['is_like']." in capsys.readouterr().err
    write(source / "data" / EARLY, LOG, [shown()])
    assert not out.exists()
    assert main(arguments) == 0
    assert "rows     1 in 1 files, click rate 0.0000" in capsys.readouterr().out
    assert main(arguments) == 2
    assert "must hold no CSVs of other runs" in capsys.readouterr().err
