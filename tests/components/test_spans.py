"""Which files of a data root a run ingests."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from components.example_gen.rules import InvalidInputError
from components.example_gen.source import find_source
from components.example_gen.spans import find_spans
from tests.components.ingestion import open_to_all, unprivileged

MARKER = "_SUCCESS"


def make(root: Path, *files: str) -> str:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("act\n")
    return str(root)


DAYS = ("2026-01-01/a.csv", "2026-01-02/a.csv.gz", "2026-01-10/a.tsv")


def test_the_newest_dated_span_is_the_default(tmp_path: Path) -> None:
    source = find_source(make(tmp_path, *DAYS))
    assert source.span_name == "2026-01-10"
    assert source.span == (datetime.date(2026, 1, 10) - datetime.date(1970, 1, 1)).days
    assert source.folders == (("all", "2026-01-10"),)


def test_numbered_spans_are_ordered_by_number_not_by_text(tmp_path: Path) -> None:
    root = make(tmp_path, "span-9/a.csv", "span-10/a.csv")
    assert find_source(root).span == 10
    assert list(find_spans(root).values()) == ["span-9", "span-10"]


@pytest.mark.parametrize("asked", ["span-9", "9"])
def test_a_numbered_span_is_asked_for_by_folder_or_number(tmp_path: Path, asked: str) -> None:
    assert find_source(make(tmp_path, "span-9/a.csv", "span-10/a.csv"), asked).span == 9


def test_a_past_day_is_asked_for_by_date(tmp_path: Path) -> None:
    assert find_source(make(tmp_path, *DAYS), "2026-01-02").span_name == "2026-01-02"


def test_the_newest_version_replaces_the_files_of_the_span(tmp_path: Path) -> None:
    root = make(tmp_path, "span-1/a.csv", "span-1/version-2/a.csv", "span-1/version-10/a.csv")
    source = find_source(root)
    assert (source.version, source.folders) == (10, (("all", "span-1/version-10"),))
    assert find_source(root, version=0).folders == (("all", "span-1"),)
    with pytest.raises(InvalidInputError, match=r"which has \[0, 2, 10\]. Received: 3"):
        find_source(root, version=3)


def test_a_late_day_is_an_error_that_says_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInputError, match="which has 2026-01-01, 2026-01-02, 2026-01-10. Received: 2026-01-03, which is"
    ):
        find_source(make(tmp_path, *DAYS), "2026-01-03")


def test_flat_files_are_the_span_0(tmp_path: Path) -> None:
    source = find_source(make(tmp_path, "a.csv", "b.csv"))
    assert (source.layout, source.span, source.span_name) == ("flat", 0, "")


def test_given_splits_are_kept(tmp_path: Path) -> None:
    source = find_source(make(tmp_path, "train/a.csv", "eval/a.csv"))
    assert source.folders == (("train", "train"), ("eval", "eval"))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (("notes.txt",), "at least one file named"),
        (("train/a.csv",), "both a `train` and an `eval` folder, or neither. Received: only train"),
        (("train/a.csv", "eval/notes.txt"), "at least one file named"),
        (("span-1/notes.txt",), "A span must hold data files"),
        (("span-1/a.csv", "2026-01-01/a.csv"), "must all be dated, or all be numbered. Received: 2026-01-01, span-1"),
        (("span-1/a.csv", "span-01/a.csv"), "must hold a span once. Received: span-01 and span-1"),
    ],
)
def test_what_is_not_a_layout_is_named(tmp_path: Path, files: tuple[str, ...], message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        find_source(make(tmp_path, *files))


def test_a_span_of_a_folder_without_spans_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="`SPAN` needs a `DATA_ROOT` of folders named"):
        find_source(make(tmp_path, "a.csv"), "2026-01-01")
    with pytest.raises(InvalidInputError, match="`DATA_ROOT` must be a folder"):
        find_source(str(tmp_path / "none"))


@pytest.mark.parametrize(
    ("files", "named"),
    [
        (("2026-01-01/a.csv", "b.csv"), "b.csv"),
        (("2026-01-01/a.csv", "train/b.csv", "eval/b.csv"), "eval/b.csv, {root}/train/b.csv"),
        (("2026-01-01/a.csv", "2026-1-2/b.csv"), "2026-1-2/b.csv"),
        (("2026-01-01/a.csv", "2026-02-30/b.csv"), "2026-02-30/b.csv"),
        (("2026-01-01/a.csv", "archive/2025/b.tsv.gz"), "archive/2025/b.tsv.gz"),
        (("2026-01-01/a.csv", "2026-01-01/part-2/b.csv"), "2026-01-01/part-2/b.csv"),
        (("2026-01-01/a.csv", "2026-01-01/train/b.csv"), "2026-01-01/train/b.csv"),
        (("2026-01-01/version-1/a.csv", "2026-01-01/version-1/more/b.csv"), "2026-01-01/version-1/more/b.csv"),
        (("train/a.csv", "eval/a.csv", "b.csv"), "b.csv"),
        (("train/a.csv", "eval/a.csv", "test/b.csv"), "test/b.csv"),
        (("train/a.csv", "eval/a.csv", "train/2026-01-01/b.csv"), "train/2026-01-01/b.csv"),
        (("a.csv", "archive/b.csv"), "archive/b.csv"),
        (("a.csv", "Train/b.csv"), "Train/b.csv"),
    ],
)
def test_data_files_outside_of_the_layout_are_an_error_that_names_them(
    tmp_path: Path, files: tuple[str, ...], named: str
) -> None:
    with pytest.raises(InvalidInputError) as error:
        find_source(make(tmp_path, *files))
    assert f"Received: {tmp_path}/{named.format(root=tmp_path)}, which would be left out. Move them" in str(error.value)


def test_many_left_out_files_are_counted(tmp_path: Path) -> None:
    root = make(tmp_path, "2026-01-01/a.csv", *(f"{number}.csv" for number in range(8)))
    with pytest.raises(InvalidInputError, match=r"4\.csv and 3 more, which would be left out"):
        find_source(root)


@pytest.mark.parametrize(
    "beside",
    ["_archive/b.csv", ".git/b.csv", "_b.csv", ".b.csv.csv", "docs/readme.md", "2026-01-01/_tmp/b.csv"],
)
def test_what_is_hidden_or_no_data_is_not_in_the_way(tmp_path: Path, beside: str) -> None:
    assert find_source(make(tmp_path, "2026-01-01/a.csv", beside)).span_name == "2026-01-01"


def test_a_loop_of_links_is_walked_once(tmp_path: Path) -> None:
    root = make(tmp_path, "a.csv", "docs/notes.txt")
    (tmp_path / "docs" / "up").symlink_to(tmp_path / "docs")
    (tmp_path / "docs" / "self").symlink_to(tmp_path / "docs" / "self")
    assert find_source(root).layout == "flat"


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    root = make(tmp_path, "2026-01-01/a.csv", "2026-01-02/a.csv")
    open_to_all(tmp_path)
    (tmp_path / "2026-01-02").chmod(0)
    with unprivileged(), pytest.raises(InvalidInputError, match=r"must be readable\. Received: \S+/2026-01-02: "):
        find_source(root)
    (tmp_path / "2026-01-02").chmod(0o755)


@pytest.mark.parametrize("twice", ["version-01", "version-0"])
def test_a_version_that_is_there_twice_is_an_error(tmp_path: Path, twice: str) -> None:
    root = make(tmp_path, "span-1/a.csv", "span-1/version-1/a.csv", f"span-1/{twice}/a.csv")
    with pytest.raises(InvalidInputError, match="must hold a version once"):
        find_source(root)


def test_the_newest_span_is_the_newest_complete_one_if_a_marker_is_asked_for(tmp_path: Path) -> None:
    root = make(tmp_path, *DAYS, "2026-01-01/_SUCCESS", "2026-01-02/_SUCCESS")
    assert find_source(root).span_name == "2026-01-10"
    source = find_source(root, marker=MARKER)
    assert (source.span_name, source.incomplete) == ("2026-01-02", ("2026-01-10",))


def test_the_newest_version_is_the_newest_complete_one_if_a_marker_is_asked_for(tmp_path: Path) -> None:
    root = make(tmp_path, "span-1/a.csv", "span-1/_SUCCESS", "span-1/version-1/a.csv", "span-1/version-1/_SUCCESS")
    make(tmp_path, "span-1/version-2/a.csv", "span-2/version-1/a.csv")
    source = find_source(root, marker=MARKER)
    assert (source.span, source.version, source.incomplete) == (1, 1, ("span-2", "span-1/version-2"))
    assert find_source(root, "1", version=0, marker=MARKER).incomplete == ()


@pytest.mark.parametrize(("span", "version"), [("2026-01-10", None), ("2026-01-02", 1)])
def test_an_incomplete_span_that_is_asked_for_by_name_is_an_error(tmp_path: Path, span: str, version: int | None) -> None:
    root = make(tmp_path, *DAYS, "2026-01-02/_SUCCESS", "2026-01-02/version-1/a.csv")
    with pytest.raises(InvalidInputError, match=rf"must be complete, with a file _SUCCESS\. Received: \S+/{span}"):
        find_source(root, span, version, MARKER)


@pytest.mark.parametrize(
    "files", [("a.csv",), ("train/a.csv", "eval/a.csv", "train/_SUCCESS"), ("span-1/a.csv", "span-2/a.csv")]
)
def test_without_anything_complete_there_is_no_span(tmp_path: Path, files: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInputError, match="must be complete, with a file _SUCCESS"):
        find_source(make(tmp_path, *files), marker=MARKER)
