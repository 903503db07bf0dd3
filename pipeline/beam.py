"""Where the nodes' own Beam pipelines run: the settings, and Beam's options that follow from them.

A worker on another machine, or in another process, has of the main process what Beam sends it, and this project as it is
installed there: nothing is packed or sent besides. It reads and writes the artifacts' addresses, which it must reach.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from settings.base import SettingError, Settings, setting

# The nodes that are Beam pipelines, and the setting's name for `make score`, which is one too.
BEAM_NODES = ("example_gen", "statistics_gen", "transform", "evaluator")
SCORE = "score"

Runner = Literal["memory", "processes", "prism", "flink", "spark", "dataflow"]
_Text = Annotated[str, Field(min_length=1)]

_BY_JOB_SERVICE = ("prism", "flink", "spark")
# TFX packs its own installation for workers elsewhere: 2 CPU seconds and 42 MB in each node, without this project. It does
# not where an option names the workers' image (`make_beam_dependency_flags` of `tfx.utils.dependency_utils`). No runner
# that gets this one takes an image from it.
_HAVE_TFX = "--sdk_container_image=none"
# Beam's plain DirectRunner would first try to download Prism.
IN_MEMORY = ("--runner=FnApiRunner", "--direct_running_mode=in_memory", "--direct_num_workers=1", _HAVE_TFX)
# The options by which Beam itself brings a package to the workers.
_PACKAGES = ("--setup_file", "--extra_package", "--requirements_file", "--sdk_container_image")
# Those whose workers import TFDV: TFX's Transform does, too.
_TFDV_NODES = ("statistics_gen", "transform")


class BeamSettings(Settings):
    """Where the nodes' own Beam pipelines run; docs/ENGINES.md has a recipe for each engine."""

    beam_runner: Runner = setting(
        "memory",
        "What runs them: this process (`memory`), several (`processes`), or a distributed engine. `prism` without a job "
        "service is started by Beam.",
        main=True,
    )
    beam_runner_of: Mapping[str, Runner] = setting(
        {}, "Another runner for single nodes: `statistics_gen=memory,transform=flink`.", main=True
    )
    job_endpoint: _Text | None = setting(None, "Beam's job service of Prism, Flink or Spark: `localhost:8099`.", main=True)
    artifact_endpoint: _Text | None = setting(
        None, "Its artifact service, `localhost:8098`, if it does not tell it itself.", main=True
    )
    environment_type: Literal["EXTERNAL", "DOCKER", "PROCESS", "LOOPBACK"] | None = setting(
        None,
        "Where the workers of such an engine come from: a worker pool that is there, an image, a command, or this process.",
        main=True,
    )
    environment_config: _Text | None = setting(
        None, "The worker pool's address, the image, or the command as JSON; for `dataflow` the image.", main=True
    )
    parallelism: Annotated[int, Field(ge=1)] | None = setting(
        None, "How many workers at a time; by default the engine's own choice.", main=True
    )
    beam_options: tuple[_Text, ...] = setting((), "Further options of Beam, which go before these.", main=True)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        problems = list(self._problems())
        if problems:
            raise SettingError(problems)
        return self

    def _problems(self) -> Collection[tuple[str, str, str]]:
        problems: list[tuple[str, str, str]] = []
        wrong = sorted(set(self.beam_runner_of) - {*BEAM_NODES, SCORE})
        if wrong:
            problems.append(("beam_runner_of", f"name {', '.join((*BEAM_NODES, SCORE))} only", ", ".join(wrong)))
        runners = self.runners
        for engine in ("flink", "spark"):
            if engine in runners and self.job_endpoint is None:
                problems.append(("job_endpoint", f"be the address of Beam's job service for {engine}", "none"))
            if engine in runners and self.environment_type is None:
                problems.append(("environment_type", f"be given for {engine}: Beam's own image lacks this project", "none"))
        if self.environment_config is None and self.environment_type in ("EXTERNAL", "DOCKER", "PROCESS"):
            problems.append(("environment_config", f"be given for workers that are {self.environment_type}", "none"))
        packed = any(option.startswith(_PACKAGES) for option in self.beam_options)
        if "dataflow" in runners and self.environment_config is None and not packed:
            problems.append(("environment_config", "be the image of Dataflow's workers, with this project in it", "none"))
        if not runners & {*_BY_JOB_SERVICE, "dataflow"}:
            for name in ("job_endpoint", "artifact_endpoint", "environment_type", "environment_config"):
                if (value := getattr(self, name)) is not None:
                    problems.append((name, f"be none where the runner is {self.beam_runner}", repr(value)))
        return problems

    @property
    def runners(self) -> set[str]:
        """All runners that are asked for."""
        return {self.beam_runner, *self.beam_runner_of.values()}

    def runner(self, node: str) -> str:
        """The runner of a node."""
        return self.beam_runner_of.get(node, self.beam_runner)

    def options(self, node: str) -> list[str]:
        """Beam's options for a node, as TFX and Beam take them."""
        runner = self.runner(node)
        if runner == "memory":
            options = list(IN_MEMORY)
        elif runner == "processes":
            # 0 is a process for each core.
            workers = f"--direct_num_workers={self.parallelism or 0}"
            options = ["--runner=FnApiRunner", "--direct_running_mode=multi_processing", workers, _HAVE_TFX]
        elif runner == "dataflow":
            image = [f"--sdk_container_image={self.environment_config}"] if self.environment_config else []
            most = [f"--max_num_workers={self.parallelism}"] if self.parallelism else []
            options = ["--runner=DataflowRunner", "--no_save_main_session", *image, *most]
        else:
            options = self._portable(runner)
        return [*options, *self.beam_options]

    def _portable(self, runner: str) -> list[str]:
        given = {
            "job_endpoint": self.job_endpoint,
            "artifact_endpoint": self.artifact_endpoint,
            "environment_type": self.environment_type or "LOOPBACK",
            "environment_config": self.environment_config,
        }
        name = "PortableRunner" if self.job_endpoint else "PrismRunner"
        options = [f"--runner={name}", *[f"--{option}={value}" for option, value in given.items() if value], _HAVE_TFX]
        if runner != "prism":
            # A bundle's worker is kept for the next one; without end it would outlive the job.
            options.append("--environment_cache_millis=5000")
            options += [f"--parallelism={self.parallelism}"] if self.parallelism else []
        return options

    def elsewhere(self, node: str) -> bool:
        """Whether workers of a node are other processes than the one that starts it."""
        runner = self.runner(node)
        if runner in _BY_JOB_SERVICE:
            return self.environment_type in ("EXTERNAL", "DOCKER", "PROCESS")
        return runner != "memory"


def check_workers(settings: BeamSettings, nodes: Collection[str], roots: Mapping[str, str]) -> None:
    """Checks, before anything runs, what is known to fail in workers only after minutes.

    Args:
        settings: The settings.
        nodes: The nodes that are to run.
        roots: The folders that workers read and write, by their settings' names.

    Raises:
        ValueError: The workers cannot import TFDV, or cannot reach a folder.
    """
    elsewhere = [node for node in nodes if node in (*BEAM_NODES, SCORE) and settings.elsewhere(node)]
    failing = [node for node in _TFDV_NODES if node in elsewhere]
    if failing and not tfdv_runs_in_workers():
        in_memory = ",".join(f"{node}=memory" for node in failing)
        raise ValueError(
            f"`BEAM_RUNNER` must be memory for {' and '.join(failing)} with this installation. Received: "
            f"{settings.runner(failing[0])}. The installed tensorflow-data-validation needs tfx_bsl.arrow.sql_util, which "
            "the installed tfx-bsl lacks: TFX stands in for it in the main process, and nothing does in a worker. "
            "Distributed engines need requirements.lock, which needs glibc 2.39 (Debian 13, Ubuntu 24.04, this project's "
            f"image); or let the main process do the work of these nodes: BEAM_RUNNER_OF={in_memory}."
        )
    if any(settings.runner(node) == "dataflow" for node in elsewhere):
        for name, root in roots.items():
            if "://" not in root:
                raise ValueError(f"`{name}` must be where Dataflow's workers reach it, such as gs://. Received: {root}.")


def tfdv_runs_in_workers() -> bool:
    """Whether the installed TFDV can be imported by a process that has not imported TFX.

    Nothing is imported to find out.
    """
    asks = _folder("tensorflow_data_validation") / "statistics" / "stats_options.py"
    return "sql_util" not in asks.read_text(encoding="utf-8") or (_folder("tfx_bsl") / "arrow" / "sql_util.py").exists()


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"`{package}` must be installed.")
    return Path(spec.submodule_search_locations[0])
