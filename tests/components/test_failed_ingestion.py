"""What TFX leaves behind when the example generator refuses its input."""

from __future__ import annotations

import itertools
import os
import threading
from pathlib import Path

import ml_metadata as mlmd
import pytest
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from components.example_gen.component import InteractionExampleGen
from components.example_gen.files import take_snapshot
from components.example_gen.reports import read_dead_letters
from components.example_gen.rules import InvalidInputError
from pipeline.beam import IN_MEMORY
from transform.features import DECLARATION

HEADER = ",".join(column.name for column in DECLARATION.columns)


def test_a_refused_run_publishes_no_examples_and_keeps_its_dead_letters(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    rows = [f"{i % 3},u{i},0,1,{i},,,1,2,3" for i in range(9)]
    (source / "day.csv").write_text("\n".join([HEADER, *rows, ""]))
    with pytest.raises(InvalidInputError, match="Received: 3 of 9 rows, 33.3333 %") as caught:
        run(source, tmp_path)
    kept = str(caught.value).rsplit("All rejected rows: ", 1)[1].removesuffix("/dead_letters-*.jsonl")
    assert [letter["line"] for letter in read_dead_letters(kept)] == [4, 7, 10]
    check_nothing_is_published(tmp_path)


@pytest.mark.parametrize("change", ["touched", "rewritten", "added"])
def test_a_span_that_changes_while_it_is_read_is_refused(tmp_path: Path, change: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    text = "\n".join([HEADER, *(f"{i % 2},u{i},0,1,{i},,,1,2,3" for i in range(9)), ""])
    for name in ("a.csv", "b.csv"):
        (source / name).write_text(text)
    stop = threading.Event()

    def keep_changing() -> None:
        for count in itertools.count(1):
            if change == "touched":
                os.utime(source / "b.csv", ns=(count, count))
            else:
                (source / "written").write_text(text)
                (source / "written").replace(source / ("b.csv" if change == "rewritten" else f"c{count}.csv"))
            if stop.wait(0.05):
                return

    changing = threading.Thread(target=keep_changing)
    changing.start()
    try:
        with pytest.raises(InvalidInputError, match=r"must not change while they are read\. Received, .*: [bc]\d*\.csv"):
            run(source, tmp_path)
    finally:
        stop.set()
        changing.join()
    check_nothing_is_published(tmp_path)


def test_a_removed_file_is_a_difference(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEADER)
    before = take_snapshot(str(tmp_path), {"all": ""})
    (tmp_path / "b.csv").unlink()
    after = take_snapshot(str(tmp_path), {"all": ""})
    assert before.difference(after) == ["b.csv"]
    assert before.fingerprint != after.fingerprint


def test_the_fingerprint_of_files_does_not_depend_on_where_they_are_mounted(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(HEADER)
    before = take_snapshot(str(tmp_path / "data"), {"all": ""}).fingerprint
    (tmp_path / "data").rename(tmp_path / "moved")
    assert take_snapshot(f"{tmp_path}/moved/", {"all": ""}).fingerprint == before
    (tmp_path / "moved" / "notes.txt").write_text("no data")
    assert take_snapshot(f"{tmp_path}/moved/", {"all": ""}).fingerprint == before


def run(source: Path, folder: Path) -> None:
    """Runs the example generator as a local pipeline, which keeps all it writes in the folder."""
    LocalDagRunner().run(
        pipeline.Pipeline(
            pipeline_name="refused",
            pipeline_root=str(folder / "root"),
            metadata_connection_config=metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite")),
            components=[InteractionExampleGen(str(source), DECLARATION).with_id("example_gen")],
            beam_pipeline_args=list(IN_MEMORY),
        )
    )


def check_nothing_is_published(folder: Path) -> None:
    assert not list((folder / "root" / "example_gen" / "examples").glob("*"))
    store = metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    states = [artifact.state for artifact in mlmd.MetadataStore(store).get_artifacts()]
    assert mlmd.proto.Artifact.LIVE not in states
