"""What stops the example generator: files, each by name, and too many bad rows."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from components.example_gen.files import read_headers
from components.example_gen.rules import InvalidInputError
from components.example_gen.settings import IngestionSettings
from tests.components.ingestion import HEADER, csv_of, ingest, rows, unprivileged
from transform.features import DECLARATION


def test_bad_files_are_named_all_at_once_before_any_work(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "good.csv").write_bytes(csv_of(rows(5), HEADER))
    (folder / "missing.csv").write_bytes(csv_of(rows(5), HEADER.replace(b"act", b"clicked")))
    (folder / "twice.csv").write_bytes(csv_of(rows(5), HEADER + b",act"))
    (folder / "empty.csv").write_bytes(b"")
    (folder / "packed-empty.csv.gz").write_bytes(gzip.compress(b""))
    (folder / "not-packed.csv.gz").write_bytes(csv_of(rows(5), HEADER))
    (folder / "dangling.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(InvalidInputError) as caught:
        ingest(folder, tmp_path / "examples")
    told = dict(line.removeprefix(f"{folder}/").split(": ", 1) for line in str(caught.value).splitlines())
    assert set(told) == {path.name for path in folder.iterdir()} - {"good.csv"}
    assert "line 1: The header must hold every declared column; missing: act." in told["missing.csv"]
    assert "must name each declared column once" in told["twice.csv"]
    assert "Received: an empty file" in told["empty.csv"]
    assert "Received: an empty file" in told["packed-empty.csv.gz"]
    assert "A file must be readable. Received: BadGzipFile" in told["not-packed.csv.gz"]
    assert "A file must be readable. Received: FileNotFoundError" in told["dangling.csv"]
    assert not (tmp_path / "examples").exists()


def test_a_file_without_the_right_to_read_it_is_named(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_bytes(csv_of(rows(5), HEADER))
    (tmp_path / "secret.csv").chmod(0)
    with unprivileged(), pytest.raises(InvalidInputError) as caught:
        read_headers([str(tmp_path / "secret.csv")], DECLARATION, IngestionSettings())
    expected = f"{tmp_path}/secret.csv: A file must be readable. Received: PermissionError: Permission denied."
    assert str(caught.value) == expected


def test_an_empty_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("no data here")
    with pytest.raises(InvalidInputError, match=r"A folder must hold at least one file, of \.csv, .*\. Received: "):
        ingest(tmp_path, tmp_path / "examples")


def test_truncated_and_damaged_gzips_are_named_and_not_half_ingested(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    whole = gzip.compress(csv_of(rows(5000), HEADER))
    damaged = bytearray(whole)
    damaged[-6] ^= 1
    (folder / "truncated.csv.gz").write_bytes(whole[:-1000])
    (folder / "flipped.csv.gz").write_bytes(damaged)
    (folder / "whole.csv.gz").write_bytes(whole)
    with pytest.raises(InvalidInputError) as caught:
        ingest(folder, tmp_path / "examples")
    message = str(caught.value)
    assert re.search(r"truncated\.csv\.gz: A compressed file must be complete\. Received: Compressed file ended", message)
    assert re.search(r"flipped\.csv\.gz: A file must be readable\. Received: BadGzipFile: CRC check failed", message)
    assert "whole.csv.gz" not in message


def test_files_with_a_header_only_leave_nothing_to_train_on(tmp_path: Path) -> None:
    (tmp_path / "quiet.csv").write_bytes(HEADER + b"\n")
    with pytest.raises(
        InvalidInputError, match=r"At least one row must be accepted\. Received: no good row in \S*quiet\.csv\."
    ):
        ingest(tmp_path, tmp_path / "examples")


def test_each_input_split_needs_a_row(tmp_path: Path) -> None:
    for name, count in (("train", 3), ("eval", 0)):
        (tmp_path / "source" / name).mkdir(parents=True)
        (tmp_path / "source" / name / "day.csv").write_bytes(csv_of(rows(count), HEADER))
    with pytest.raises(InvalidInputError, match=r"Received: no good row in \S*eval/day\.csv"):
        ingest(tmp_path / "source", tmp_path / "examples", inputs={"train": "train/*", "eval": "eval/*"})


def test_bad_headers_of_all_input_splits_are_named(tmp_path: Path) -> None:
    for name in ("train", "eval"):
        (tmp_path / "source" / name).mkdir(parents=True)
        (tmp_path / "source" / name / "day.csv").write_bytes(b"a,b\n")
    with pytest.raises(InvalidInputError, match=r"train/day\.csv: (.|\n)*eval/day\.csv: "):
        ingest(tmp_path / "source", tmp_path / "examples", inputs={"train": "train/*", "eval": "eval/*"})


def test_the_bound_on_the_rejected_share_is_the_settings(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    lines = rows(200)
    lines[50] = lines[150] = b"yes" + lines[50][1:]
    (folder / "day.csv").write_bytes(csv_of(lines, HEADER))
    at_the_bound = ingest(folder, tmp_path / "default")
    assert at_the_bound.counts == {"day.csv": (200, 198, 2)}
    with pytest.raises(
        InvalidInputError, match=r"At most 0\.99 % of the rows may be rejected\. Received: 2 of 200 rows, 1 %"
    ):
        ingest(folder, tmp_path / "strict", IngestionSettings(max_rejected_share=0.0099), encode_twice=True)
