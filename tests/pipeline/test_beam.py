"""The settings of the Beam engine: Beam's options that follow from them, and what is refused before anything runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import beam
from pipeline.beam import BeamSettings, check_workers
from pipeline.config import local_config

FLINK = {
    "BEAM_RUNNER": "flink",
    "JOB_ENDPOINT": "localhost:8099",
    "ARTIFACT_ENDPOINT": "localhost:8098",
    "ENVIRONMENT_TYPE": "EXTERNAL",
    "ENVIRONMENT_CONFIG": "localhost:50000",
}
ROOTS = {"DATA_ROOT": "/data", "STATE_ROOT": "/state"}


def test_nothing_is_asked_of_another_process_by_default() -> None:
    settings = local_config({}).beam
    assert settings.options("transform") == list(beam.IN_MEMORY)
    assert not any(settings.elsewhere(node) for node in beam.BEAM_NODES)


def test_a_flink_is_described_by_the_environment() -> None:
    settings = local_config({**FLINK, "PARALLELISM": "2", "BEAM_OPTIONS": "--job_name=din,--flink_version=1.19"}).beam
    assert settings.options("example_gen") == [
        "--runner=PortableRunner",
        "--job_endpoint=localhost:8099",
        "--artifact_endpoint=localhost:8098",
        "--environment_type=EXTERNAL",
        "--environment_config=localhost:50000",
        "--sdk_container_image=none",
        "--environment_cache_millis=5000",
        "--parallelism=2",
        "--job_name=din",
        "--flink_version=1.19",
    ]
    assert settings.elsewhere("example_gen")


def test_prism_is_started_by_beam_unless_it_is_there() -> None:
    own = BeamSettings(beam_runner="prism")
    assert own.options("transform")[:2] == ["--runner=PrismRunner", "--environment_type=LOOPBACK"]
    assert not own.elsewhere("transform")
    there = BeamSettings(beam_runner="prism", job_endpoint="localhost:8073")
    assert there.options("transform")[:2] == ["--runner=PortableRunner", "--job_endpoint=localhost:8073"]


def test_dataflow_takes_an_image_or_packages() -> None:
    image = BeamSettings(beam_runner="dataflow", environment_config="registry/din:1", beam_options=("--region=here",))
    assert {"--runner=DataflowRunner", "--sdk_container_image=registry/din:1", "--region=here"} <= set(
        image.options("transform")
    )
    packed = BeamSettings(beam_runner="dataflow", beam_options=("--extra_package=build/din.whl",))
    assert not any(option.startswith("--sdk_container_image") for option in packed.options("transform"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"BEAM_RUNNER": "dask"},
            "`BEAM_RUNNER` must be one of 'memory', 'processes', 'prism', 'flink', 'spark', 'dataflow'.",
        ),
        ({"BEAM_RUNNER": "flink"}, "`job_endpoint` must be the address of Beam's job service for flink. Received: none."),
        ({"BEAM_RUNNER_OF": "transform=spark"}, "`environment_type` must be given for spark: Beam's own image lacks this"),
        (
            FLINK | {"ENVIRONMENT_CONFIG": ""},
            "`environment_config` must be given for workers that are EXTERNAL. Received: none.",
        ),
        (
            {"JOB_ENDPOINT": "localhost:1"},
            "`JOB_ENDPOINT` must be none where the runner is memory. Received: 'localhost:1'.",
        ),
        (
            {"BEAM_RUNNER_OF": "trainer=prism"},
            "`BEAM_RUNNER_OF` must name example_gen, statistics_gen, transform, evaluator",
        ),
        ({"BEAM_RUNNER": "dataflow"}, "`environment_config` must be the image of Dataflow's workers"),
    ],
)
def test_what_does_not_fit_together_is_refused(settings: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        local_config(settings)


def test_what_needs_tfdv_in_workers_is_refused_where_they_cannot_import_it(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = local_config(FLINK).beam
    monkeypatch.setattr(beam, "tfdv_runs_in_workers", lambda: True)
    check_workers(settings, beam.BEAM_NODES, ROOTS)
    monkeypatch.setattr(beam, "tfdv_runs_in_workers", lambda: False)
    with pytest.raises(
        ValueError, match=r"`BEAM_RUNNER` must be memory for statistics_gen and transform .*requirements.lock"
    ):
        check_workers(settings, beam.BEAM_NODES, ROOTS)
    check_workers(settings, ("example_gen", "evaluator"), ROOTS)
    check_workers(
        settings.replace(beam_runner_of={"statistics_gen": "memory", "transform": "memory"}), beam.BEAM_NODES, ROOTS
    )


def test_folders_that_dataflow_cannot_reach_are_refused() -> None:
    settings = BeamSettings(beam_runner="dataflow", environment_config="image", beam_runner_of={"statistics_gen": "memory"})
    with pytest.raises(ValueError, match="`STATE_ROOT` must be where Dataflow's workers reach it"):
        check_workers(settings, ("evaluator",), {"DATA_ROOT": "gs://data", "STATE_ROOT": "/state"})


@pytest.mark.slow
def test_whether_workers_can_import_tfdv_is_known_without_trying(tmp_path: Path) -> None:
    fresh = subprocess.run(
        [sys.executable, "-c", "import tensorflow_data_validation"], cwd=tmp_path, capture_output=True, check=False
    )
    assert beam.tfdv_runs_in_workers() == (fresh.returncode == 0), fresh.stderr[-500:]
