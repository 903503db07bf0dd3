"""The summary's lines of the window, for data on a volume and on a bucket, in the words of the place of the run."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2
from tfx.dsl.io import fileio
from tfx.types.standard_artifacts import Examples, ExampleStatistics

from components.properties import EVAL_SPAN, STOPPING_ROWS
from pipeline.advice import Advice, on_kubeflow, on_this_machine
from pipeline.config import RunConfig
from pipeline.results import RunRecord
from pipeline.window_summary import window_lines

# TensorFlow's file system in memory goes the way of gs:// and s3://.
BUCKET = "ram://bucket"
CONFIG = RunConfig(data_root=f"{BUCKET}/data", state_root=f"{BUCKET}/state")


def first_run() -> RunRecord:
    """A first run, on the last of three days."""
    for day in (1, 2, 3):
        fileio.makedirs(f"{CONFIG.data_root}/2026-01-0{day}")
    statistics = ExampleStatistics()
    statistics.uri = f"{CONFIG.pipeline_root}/statistics"
    for split, rows in (("train", 3), ("eval", 1)):
        fileio.makedirs(f"{statistics.uri}/Split-{split}")
        proto = statistics_pb2.DatasetFeatureStatisticsList()
        proto.datasets.add(num_examples=rows)
        with fileio.open(f"{statistics.uri}/Split-{split}/FeatureStats.pb", "wb") as file:
            file.write(proto.SerializeToString())
    dataset = Examples()
    dataset.set_string_custom_property(EVAL_SPAN, "2026-01-03")
    dataset.set_int_custom_property(STOPPING_ROWS, 1)
    outputs = {
        "dataset": {"examples": [dataset.mlmd_artifact]},
        "example_gen": {"examples": [Examples().mlmd_artifact]},
        "statistics_gen": {"statistics": [SimpleNamespace(uri=statistics.uri)]},
    }
    return RunRecord(outputs, frozenset())


@pytest.mark.parametrize(
    ("advice", "command"),
    [
        (on_this_machine(CONFIG), "`make ingest SPANS=2026-01-01,2026-01-02`"),
        (on_kubeflow(), "`python -m kubeflow.schedule ingest --spans 2026-01-01,2026-01-02`"),
    ],
)
def test_a_first_span_on_a_bucket_is_told_with_what_takes_the_others_in(advice: Advice, command: str) -> None:
    lines = list(window_lines(CONFIG, first_run(), advice))
    assert lines == [
        ("Split", "3 train, 1 eval, all of 2026-01-03: no earlier span is ingested"),
        ("", "1 of the rows that train tell when to stop instead: those of some clients"),
        ("", f"in DATA_ROOT but not in the window: 2026-01-01, 2026-01-02; {command} takes them in"),
    ]


def test_nothing_of_the_makefile_is_advised_on_a_cluster() -> None:
    assert "make " not in on_kubeflow().serve + on_kubeflow().take_in
