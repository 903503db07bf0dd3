"""Nodes whose workers are other processes, in another folder: they put out what they do in memory.

The whole pipeline so is `make test-engines`.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import numpy as np
import pytest

from components.evaluation.bounds import Bounds
from components.evaluation.executor import train_simple_models
from pipeline.config import local_config
from tests.components.ingestion import Ingested, ingest
from tests.engines.prism import Engine, running_engine
from tests.support import raw_row
from transform.features import DECLARATION

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


def write(folder: Path) -> None:
    """Two files with good rows and bad ones."""
    columns = [column.name for column in DECLARATION.columns]
    for file in range(2):
        rows = [raw_row(act=str(number % 2), client_id=str(number % 23), topic_id=str(number % 7)) for number in range(400)]
        rows[200]["act"] = "yes"
        lines = ["\t".join(row[column] for column in columns) for row in rows]
        lines[file + 5] = "too\tfew"
        (folder / f"{file}.tsv").write_text("\n".join(["\t".join(columns), *lines]) + "\n")


def test_the_nodes_put_out_the_same_and_leave_nothing_where_the_workers_are(engine: Engine, tmp_path: Path) -> None:
    source = tmp_path / "days"
    source.mkdir()
    write(source)
    there_only = {"BEAM_RUNNER_OF": "statistics_gen=memory,transform=memory"}
    found: list[tuple[Ingested, np.ndarray, np.ndarray]] = []
    for name, settings in (("here", {}), ("there", engine.settings | there_only)):
        options = local_config(settings).beam.options
        ingested = ingest(source, tmp_path / name, options=options("example_gen"))
        files = [str(file) for file in sorted((tmp_path / name / "Split-train").iterdir())]
        pipeline = functools.partial(beam.Pipeline, argv=options("evaluator"))
        work = tmp_path / f"{name}-work"
        work.mkdir()
        simple, _ = train_simple_models(files, "", DECLARATION, Bounds(logistic_rows=0), str(work), pipeline)
        found.append((ingested, simple.counts.rows, simple.counts.clicks))
    (here, *counted_here), (there, *counted_there) = found
    assert there.counts == here.counts == {"0.tsv": (400, 398, 2), "1.tsv": (400, 398, 2)}
    assert there.letters == here.letters
    for split in ("train", "eval"):
        assert sorted(map(str, there.rows(split))) == sorted(map(str, here.rows(split)))
    np.testing.assert_equal(counted_there, counted_here)
    assert "Starting worker" in engine.log.read_text()
    assert list(engine.folder.iterdir()) == []
