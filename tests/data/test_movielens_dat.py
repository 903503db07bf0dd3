"""The .dat releases of MovieLens, ml-1m and ml-10M100K, give the rows that the same events give as .csv."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from data.csv_files import HEADER, read_rows
from data.movielens.convert import Conversion, MovieLensConfig, convert, main
from tests.data.strict_reader import accepted_rows

MOVIES = [
    "1::Toy Story (1995)::Animation|Children's|Comedy",
    "2::2001: A Space Odyssey (1968)::Drama|Mystery|Sci-Fi|Thriller",
    "73::Misérables, Les (1995)::Drama|Musical",
]
FILES = MovieLensConfig(layout="files")


def _source(
    folder: Path, ratings: Sequence[str], movies: Sequence[str] = MOVIES, encoding: str = "latin-1", end: str = "\n"
) -> Path:
    folder.mkdir(parents=True)
    for name, lines in (("ratings.dat", ratings), ("movies.dat", movies)):
        (folder / name).write_bytes("".join(line + end for line in lines).encode(encoding))
    return folder


def _rows(result: Conversion) -> list[dict[str, str]]:
    return list(read_rows([*result.train_paths, *result.eval_paths]))


def test_whole_stars_of_ml_1m_become_rows(tmp_path: Path) -> None:
    source = _source(tmp_path / "ml-1m", ["1::1::5::978300760", "1::73::3::978302109", "1::2::4::978301968"])
    rows = _rows(convert(source, tmp_path / "out", FILES))
    known = ["Animation", "Animation:1.0000", "Animation", "1"]
    both = ["Animation,Drama", "Animation:0.5000,Drama:0.5000", "Animation,Drama", "1,2"]
    cells = [
        ["1", "1", "new", "1990s", "Animation", "", "", "", "", "1"],
        ["1", "1", "new", "before 1970", "Drama", *known, "2"],
        ["0", "1", "new", "1990s", "Drama", *both, "73"],
    ]
    assert rows == [dict(zip(HEADER, row, strict=True)) for row in cells]


def test_half_stars_of_ml_10m_are_liked_from_four(tmp_path: Path) -> None:
    ratings = ["1::1::3.5::838985046", "1::2::4::838983525", "1::73::4.5::838983392", "1::1::0.5::838985047"]
    rows = _rows(convert(_source(tmp_path / "source", ratings, encoding="utf-8"), tmp_path / "out", FILES))
    assert [(row["keyword_id"], row["act"]) for row in rows] == [("73", "1"), ("2", "1"), ("1", "0"), ("1", "0")]


@pytest.mark.parametrize(("encoding", "end"), [("latin-1", "\r\n"), ("utf-8", "\n"), ("utf-8", "\r\n"), ("utf-8-sig", "\n")])
def test_encoding_and_line_ends_change_nothing(tmp_path: Path, encoding: str, end: str) -> None:
    ratings = ["1::1::5::978300760", "1::73::4::978302109"]
    expected = _rows(convert(_source(tmp_path / "a", ratings), tmp_path / "out-a", FILES))
    result = convert(_source(tmp_path / "b", ratings, encoding=encoding, end=end), tmp_path / "out-b", FILES)
    assert _rows(result) == expected
    assert (result.skipped.ratings, result.skipped.movies) == (0, 0)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8"])
def test_text_is_read_in_the_encoding_it_is_in(tmp_path: Path, encoding: str) -> None:
    movies = ["5::Été (1968)::Comédie|Drama"]
    source = _source(tmp_path / "source", ["1::5::5::100"], movies, encoding)
    assert [row["topic_id"] for row in _rows(convert(source, tmp_path / "out", FILES))] == ["Comédie"]


def test_dat_and_csv_of_the_same_events_give_the_same_bytes(tmp_path: Path) -> None:
    events = [
        (user, movie, 1 + (user + movie) % 5, 100 * second) for user in (7, 8) for second, movie in enumerate((1, 2, 73))
    ]
    dat = _source(tmp_path / "dat", ["::".join(map(str, event)) for event in events])
    csv = tmp_path / "csv"
    csv.mkdir()
    lines = ["userId,movieId,rating,timestamp", *(",".join(map(str, event)) for event in events)]
    (csv / "ratings.csv").write_text("\n".join(lines), "utf-8")
    titles = ['"' + line.replace("::", '","') + '"' for line in MOVIES]
    (csv / "movies.csv").write_text("\n".join(["movieId,title,genres", *titles]), "utf-8")
    written = [convert(source, tmp_path / f"out-{source.name}", FILES).train_paths for source in (dat, csv)]
    assert [path.read_bytes() for path in written[0]] == [path.read_bytes() for path in written[1]]


def test_title_may_hold_the_separator(tmp_path: Path) -> None:
    movies = ["5::Face::Off: A::B (1997)::Action|Thriller"]
    (row,) = _rows(convert(_source(tmp_path / "source", ["1::5::5::100"], movies), tmp_path / "out", FILES))
    assert (row["post_type"], row["topic_id"]) == ("1990s", "Action")


def test_malformed_lines_are_skipped_and_counted(tmp_path: Path) -> None:
    ratings = [
        "1::1::5",
        "1::1::5::100::7",
        "1,1,5,100",
        "x::1::5::100",
        "1::1::6::100",
        "1::99::5::100",
        "",
        "1::1::5::100",
    ]
    movies = [*MOVIES, "9::No Genre (1990)", "1::Again (1999)::Drama", "z::Odd (1999)::Drama", "8::Empty (1999)::"]
    result = convert(_source(tmp_path / "source", ratings, movies), tmp_path / "out", FILES)
    assert (result.skipped.ratings, result.skipped.unknown, result.skipped.movies) == (5, 1, 4)
    assert result.train_rows == 1


def test_converted_rows_pass_the_strict_reader(tmp_path: Path) -> None:
    source = _source(tmp_path / "source", ["1::1::5::100", "1::2::4::101", "1::73::2::102"])
    result = convert(source, tmp_path / "out", FILES)
    (path,) = result.train_paths
    assert accepted_rows(path) == _rows(result)


def test_command_reads_dat_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = _source(tmp_path / "ml-1m", [f"{1 + i % 3}::1::5::{i}" for i in range(10)])
    assert main(["--source", str(source), "--out", str(tmp_path / "out")]) == 0
    assert "train 8, eval 2" in capsys.readouterr().out


def test_missing_half_of_a_release_is_named(tmp_path: Path) -> None:
    source = _source(tmp_path / "source", ["1::1::5::100"])
    (source / "movies.dat").unlink()
    with pytest.raises(FileNotFoundError, match=r"movies\.dat must exist"):
        convert(source, tmp_path / "out", FILES)


def test_folder_of_two_releases_is_refused(tmp_path: Path) -> None:
    source = _source(tmp_path / "source", ["1::1::5::100"])
    (source / "movies.csv").write_text("movieId,title,genres\n", "utf-8")
    with pytest.raises(ValueError, match=r"must hold one release\. Received: files of two formats, \.csv and \.dat"):
        convert(source, tmp_path / "out", FILES)
