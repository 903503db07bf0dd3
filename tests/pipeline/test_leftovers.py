"""What killed runs leave on the disk, and what of it may go."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types.standard_artifacts import Model

from pipeline.leftovers import leftovers
from tests.pipeline.test_retention import Days


@pytest.fixture
def days(tmp_path: Path) -> Days:
    days = Days(tmp_path)
    days.run(1)
    return days


def found(days: Days, root: Path) -> set[str]:
    return {str(Path(path).relative_to(root)) for path in leftovers(days.store, str(root / "pipeline"), str(days.serving))}


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).mkdir(parents=True)


def test_outputs_that_no_artifact_names_go(days: Days, tmp_path: Path) -> None:
    model = Model()
    model.uri = str(tmp_path / "pipeline/trainer/model/2")
    days.put(model)
    newest = max(execution.id for execution in days.store.get_executions())
    make(
        tmp_path / "pipeline",
        "trainer/model/1",
        "trainer/model/2",
        "trainer/model/notes",
        f"trainer/model/{newest}",
        f"trainer/model/{newest + 1}",
        "trainer/.system/executor_execution/1/.temp",
        f"trainer/.system/executor_execution/{newest}/.temp",
        "trainer/.system/stateful_working_dir/1",
    )
    assert found(days, tmp_path) == {"pipeline/trainer/model/1", "pipeline/trainer/.system/executor_execution/1/.temp"}


def test_an_output_whose_artifact_was_deleted_goes(days: Days, tmp_path: Path) -> None:
    """As pruning leaves it when it is killed before it removes the files."""
    model = Model()
    model.uri = str(tmp_path / "pipeline/trainer/model/2")
    days.put(model)
    make(tmp_path / "pipeline", "trainer/model/2")
    assert found(days, tmp_path) == set()
    model.mlmd_artifact.state = pb.Artifact.DELETED
    days.store.put_artifacts([model.mlmd_artifact])
    assert found(days, tmp_path) == {"pipeline/trainer/model/2"}


def test_what_publishing_and_pruning_have_hidden_and_broken_versions_go(days: Days, tmp_path: Path) -> None:
    make(days.serving, ".publishing-7", ".101.pruned", "8/variables", ".hidden", "notes")
    assert found(days, tmp_path) == {"serving/.publishing-7", "serving/.101.pruned", "serving/8"}


def test_checkpoints_go_but_for_the_last_training_s(days: Days, tmp_path: Path) -> None:
    names = [f"trainer/.system/checkpoints/{name}" for name in ("b", "a", "c")]
    make(tmp_path / "pipeline", *names)
    for age, name in enumerate(names):
        os.utime(tmp_path / "pipeline" / name, (1000 - age, 1000 - age))
    assert found(days, tmp_path) == {f"pipeline/{names[1]}", f"pipeline/{names[2]}"}
