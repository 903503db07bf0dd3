"""Which files of a data root a run ingests."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from components.example_gen.rules import InvalidInputError
from components.example_gen.spans import find_source, find_spans


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
    assert source.patterns == (("all", "2026-01-10/*.[CTct][Ss][Vv]*"),)


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
    assert (source.version, source.patterns) == (10, (("all", "span-1/version-10/*.[CTct][Ss][Vv]*"),))
    assert find_source(root, version=0).patterns == (("all", "span-1/*.[CTct][Ss][Vv]*"),)
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
    assert source.patterns == (("train", "train/*.[CTct][Ss][Vv]*"), ("eval", "eval/*.[CTct][Ss][Vv]*"))


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
