"""The whole pipeline on Prism with workers elsewhere, beside one in memory: `make test-engines`, some minutes.

With requirements.lock every Beam node runs there; with the older lock those do whose workers need no TFDV.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.example_gen.reports import read_dead_letters, read_file_counts
from pipeline.beam import tfdv_runs_in_workers
from tests.engines.prism import Engine, running_engine

ROOT = Path(__file__).parents[2]
HERE, THERE = "here", "there"


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("engine")) as running:
        yield running


@pytest.fixture(scope="module")
def there(engine: Engine) -> dict[str, str]:
    """The settings of a run on Prism."""
    kept = "none" if tfdv_runs_in_workers() else "statistics_gen=memory,transform=memory"
    return engine.settings | {"BEAM_RUNNER_OF": kept}


@pytest.fixture(scope="module")
def states(there: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of both runs' states."""
    folder = tmp_path_factory.mktemp("states")
    data = ["--rows", "3000", "--spans", "2", "--bad-share", "0.002", "--layout", "folders", "--start-date", "2026-01-01"]
    _python("-m", "data.synthesize", "--out", str(folder / "days"), *data, "--truth", str(folder / "truth"))
    for name, settings in ((HERE, {}), (THERE, there)):
        _python(
            "-m", "pipeline", "run", DATA_ROOT=str(folder / "days"), STATE_ROOT=str(folder / name), EPOCHS="1", **settings
        )
    return folder


def _python(*arguments: str, **settings: str) -> None:
    ended = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=os.environ | settings, check=False)
    assert ended.returncode == 0, (arguments, settings)


def _records(folder: Path) -> list[bytes]:
    """The rows, sorted; each as the text of its columns, whose order in a record is any."""
    files = [str(file) for file in sorted(folder.iterdir())]
    examples = (tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files, "GZIP"))
    return sorted(example.SerializeToString(deterministic=True) for example in examples)


def _node(state: Path, node: str, output: str) -> Path:
    return max((state / "pipeline" / node / output).iterdir(), key=lambda path: int(path.name))


def test_the_same_rows_are_accepted_and_the_same_are_rejected(states: Path) -> None:
    here, there = (_node(states / name, "example_gen", "examples") for name in (HERE, THERE))
    assert read_file_counts(str(there)) == read_file_counts(str(here))
    letters = list(read_dead_letters(str(here)))
    assert list(read_dead_letters(str(there))) == letters != []
    for split in ("train", "eval"):
        assert _records(there / f"Split-{split}") == _records(here / f"Split-{split}")


def test_the_statistics_are_the_same(states: Path) -> None:
    for split in ("train", "eval"):
        here, there = (_statistics(states / name, split) for name in (HERE, THERE))
        assert here == there != {}


def _statistics(state: Path, split: str) -> dict[str, tuple[int, int, str]]:
    """Of each column: the rows that have it, its different tokens, and the most frequent ones."""
    file = _node(state, "statistics_gen", "statistics") / f"Split-{split}" / "FeatureStats.pb"
    [dataset] = statistics_pb2.DatasetFeatureStatisticsList.FromString(file.read_bytes()).datasets
    return {
        str(feature.path): (
            feature.string_stats.common_stats.num_non_missing,
            feature.string_stats.unique,
            str(feature.string_stats.top_values),
        )
        for feature in dataset.features
    }


def test_the_vocabularies_and_the_transformed_rows_are_the_same(states: Path) -> None:
    here, there = (
        _node(states / name, "transform", "transform_graph") / "transform_fn" / "assets" for name in (HERE, THERE)
    )
    assert {file.name: file.read_text() for file in there.iterdir()} == {
        file.name: file.read_text() for file in here.iterdir()
    }
    for split in ("train", "validation", "eval"):
        rows = [
            _records(_node(states / name, "transform", "transformed_examples") / f"Split-{split}") for name in (HERE, THERE)
        ]
        assert rows[0] == rows[1]


def test_a_model_is_published_and_its_scores_are_the_same_on_both(states: Path, there: Mapping[str, str]) -> None:
    assert len(list((states / THERE / "serving" / "community-din").iterdir())) == 1
    scores = {}
    for name, settings in ((HERE, {}), (THERE, there)):
        out = states / f"scores-{name}"
        shutil.rmtree(out, ignore_errors=True)
        source = str(states / "days" / "2026-01-02")
        _python("-m", "pipeline", "score", INPUT=source, OUTPUT=str(out), STATE_ROOT=str(states / THERE), **settings)
        rows = [row for file in sorted(out.glob("scores-*.csv")) for row in csv.DictReader(file.open())]
        scores[name] = {(row["file"], row["line"]): float(row["score"]) for row in rows}
    assert scores[THERE] == pytest.approx(scores[HERE], abs=1e-6)


def test_the_workers_were_elsewhere(engine: Engine, states: Path) -> None:
    assert states.is_dir()
    assert engine.log.read_text().count("Starting worker") >= 3
    assert list(engine.folder.iterdir()) == []
