"""What TFX leaves behind when the example generator refuses its input."""

from __future__ import annotations

from pathlib import Path

import ml_metadata as mlmd
import pytest
from tfx.orchestration import metadata, pipeline
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from components.example_gen.component import InteractionExampleGen
from components.example_gen.reports import read_dead_letters
from components.example_gen.rules import InvalidInputError
from tests.support import BEAM_OPTIONS
from transform.features import DECLARATION

HEADER = ",".join(column.name for column in DECLARATION.columns)


def test_a_refused_run_publishes_no_examples_and_keeps_its_dead_letters(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    rows = [f"{i % 3},u{i},0,1,{i},,,1,2,3" for i in range(9)]
    (source / "day.csv").write_text("\n".join([HEADER, *rows, ""]))
    store = metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))
    root = tmp_path / "root"
    with pytest.raises(InvalidInputError, match="Received: 3 of 9 rows, 33.3333 %") as caught:
        LocalDagRunner().run(
            pipeline.Pipeline(
                pipeline_name="refused",
                pipeline_root=str(root),
                metadata_connection_config=store,
                components=[InteractionExampleGen(str(source), DECLARATION).with_id("example_gen")],
                beam_pipeline_args=BEAM_OPTIONS,
            )
        )
    kept = str(caught.value).rsplit("All rejected rows: ", 1)[1].removesuffix("/dead_letters-*.jsonl")
    assert [letter["line"] for letter in read_dead_letters(kept)] == [4, 7, 10]
    assert not list((root / "example_gen" / "examples").glob("*"))
    states = [artifact.state for artifact in mlmd.MetadataStore(store).get_artifacts()]
    assert mlmd.proto.Artifact.LIVE not in states
