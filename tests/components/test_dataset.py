"""The dataset's files: links to the spans' files, or copies, and never harm to them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples

from components.dataset.executor import Executor
from tests.components.ingestion import open_to_all, row_texts, unprivileged, write_row
from tests.tools import lacking
from transform.features import DECLARATION

FILE = "data_tfrecord-00000-of-00001.gz"
SPLITS = ("train", "eval")


def span(folder: Path, number: int) -> Examples:
    """The examples of a span, with a file of its own text in each split."""
    artifact = Examples()
    artifact.uri = str(folder)
    artifact.id = number
    artifact.split_names = artifact_utils.encode_split_names(list(SPLITS))
    for name, value in (("payload_format", "FORMAT_TF_EXAMPLE"), ("file_format", "tfrecords_gzip")):
        artifact.set_string_custom_property(name, value)
    for split in SPLITS:
        (folder / f"Split-{split}").mkdir(parents=True)
        write_row(folder / f"Split-{split}" / FILE, f"{number} {split}")
    return artifact


def compose(window: list[Examples], anchor: Examples, folder: Path) -> dict[str, list[str]]:
    """Composes the dataset in a folder. Returns the texts of its files, by split."""
    output = Examples()
    output.uri = str(folder)
    parameters = {"group": DECLARATION.group, "code_fingerprint": ""}
    Executor().Do({"window": window, "anchor": [anchor]}, {"examples": [output]}, parameters)
    return {split: row_texts(*(folder / f"Split-{split}").iterdir()) for split in SPLITS}


def texts(artifact: Examples) -> list[str]:
    return [text for split in SPLITS for text in row_texts(Path(artifact.uri) / f"Split-{split}" / FILE)]


COMPOSED = {"train": ["1 eval", "1 train"], "eval": ["2 eval", "2 train"]}


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[Path]:
    """A folder on another file system than the tests' own."""
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        lacking("The host has no second file system that anyone may write to.")
    folder = Path(tempfile.mkdtemp(dir=shared))
    yield folder
    shutil.rmtree(folder)


def test_files_of_one_file_system_are_linked(tmp_path: Path) -> None:
    window, anchor = span(tmp_path / "1", 1), span(tmp_path / "2", 2)
    assert compose([window], anchor, tmp_path / "out") == COMPOSED
    linked = tmp_path / "out" / "Split-eval" / f"2-train-{FILE}"
    assert linked.samefile(tmp_path / "2" / "Split-train" / FILE)


def test_files_of_two_file_systems_are_copied(tmp_path: Path, elsewhere: Path) -> None:
    window, anchor = span(tmp_path / "1", 1), span(elsewhere / "2", 2)
    for _ in range(2):
        assert compose([window], anchor, tmp_path / "out") == COMPOSED
    assert texts(window) == ["1 train", "1 eval"]
    assert texts(anchor) == ["2 train", "2 eval"]


def test_an_attempt_that_was_cut_off_harms_no_span_and_leaves_nothing(tmp_path: Path) -> None:
    window, anchor = span(tmp_path / "1", 1), span(tmp_path / "2", 2)
    compose([window], anchor, tmp_path / "out")
    (tmp_path / "out" / "Split-eval" / f"2-eval-{FILE}").unlink()
    (tmp_path / "out" / "Split-eval" / f"9-eval-{FILE}").write_text("of a span that is not in the window any more")
    assert compose([window], anchor, tmp_path / "out") == COMPOSED
    assert texts(window) == ["1 train", "1 eval"]
    assert texts(anchor) == ["2 train", "2 eval"]


def test_files_that_only_their_owner_may_write_are_read(tmp_path: Path) -> None:
    window, anchor = span(tmp_path / "1", 1), span(tmp_path / "2", 2)
    for file in tmp_path.rglob(FILE):
        file.chmod(0o444)
    assert compose([window], anchor, tmp_path / "out") == COMPOSED


def test_a_folder_that_may_not_be_written_is_an_error_and_no_reason_to_copy(tmp_path: Path) -> None:
    window, anchor = span(tmp_path / "1", 1), span(tmp_path / "2", 2)
    open_to_all(tmp_path)
    with unprivileged(), pytest.raises(Exception, match="[Pp]ermission denied"):
        compose([window], anchor, tmp_path / "out")
    assert texts(window) == ["1 train", "1 eval"]


def test_a_span_that_was_given_twice_is_an_error_and_stays(tmp_path: Path) -> None:
    window, anchor = span(tmp_path / "1", 1), span(tmp_path / "2", 2)
    with pytest.raises(FileExistsError):
        compose([window, window], anchor, tmp_path / "out")
    assert texts(window) == ["1 train", "1 eval"]
    assert os.path.getsize(tmp_path / "2" / "Split-train" / FILE) > 0
