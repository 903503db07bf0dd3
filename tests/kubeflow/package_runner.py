"""Runs a compiled package as Kubeflow Pipelines does, each step's command in a process of its own, forked or started.

It knows the package's YAML and nothing else: the order comes from the tasks' dependencies, arguments from the inputs, the
environment and the mounted volumes from the Kubernetes part.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from tests import zygote

PARALLEL = 2
Started = Callable[[str, zygote.Running], None]


@dataclasses.dataclass(frozen=True)
class StepResult:
    """How a step ended."""

    task: str
    status: int
    output: str
    errors: str


@dataclasses.dataclass(frozen=True)
class Cluster:
    """What a cluster adds to a package.

    Args:
        image_environment: The environment of the image.
        secrets: The keys and values of secrets, by name.
        config_maps: The keys and values of config maps, by name.
        volumes: The folder of each persistent volume claim, which is also its mount path: nothing is mounted here.
        folder: The working directory of the image.
    """

    image_environment: Mapping[str, str]
    secrets: Mapping[str, Mapping[str, str]]
    config_maps: Mapping[str, Mapping[str, str]]
    volumes: Mapping[str, Path]
    folder: Path


class Package:
    """A compiled package.

    Args:
        path: The YAML file.
    """

    def __init__(self, path: Path) -> None:
        self.spec, self.platform = yaml.safe_load_all(path.read_text())

    def run(
        self,
        cluster: Cluster,
        run_id: str,
        started: Started | None = None,
        retries: int = 0,
        real: Collection[str] = (),
        earlier: Sequence[StepResult] = (),
        **parameters: Any,
    ) -> list[StepResult]:
        """Runs the package.

        Args:
            cluster: The cluster.
            run_id: The run's id.
            started: Called with each step's task and process as soon as it is started.
            retries: How often a failed step is repeated.
            real: The tasks whose command is started as it stands; the others are forked, which spares the imports.
            earlier: How the steps of the same run ended before: it is started again, as KFP's API server does it
                (GenerateRetryExecution): what has succeeded stays, the exit handler too, and everything else is repeated.
            parameters: The values of pipeline parameters; the others have their defaults.

        Returns:
            How each attempt of each step ended, in the order of their ends.
        """
        definitions = self.spec["root"]["inputDefinitions"]["parameters"]
        unknown = set(parameters) - set(definitions)
        if unknown:
            raise ValueError(f"The package has no such parameters: {sorted(unknown)}.")
        values = {name: parameters.get(name, definition.get("defaultValue")) for name, definition in definitions.items()}
        done = {result.task for result in earlier if result.status == 0}
        run = _Run(self, cluster, run_id, started, retries, real, done)
        run.dag(self.spec["root"]["dag"], values)
        return run.results


class _Run:
    """One run of a package."""

    def __init__(
        self,
        package: Package,
        cluster: Cluster,
        run_id: str,
        started: Started | None,
        retries: int,
        real: Collection[str],
        done: Collection[str],
    ) -> None:
        self._package = package
        self._cluster = cluster
        self._run_id = run_id
        self._started = started
        self._retries = retries
        self._real = real
        self._done = done
        self.results: list[StepResult] = []

    def dag(self, dag: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
        """Runs a graph's tasks, each once those it depends on have ended, independent ones at the same time.

        A task after one that failed does not run, unless it is an exit handler. Returns whether all went well.
        """
        waiting = dict(dag["tasks"])
        ends: dict[str, str] = {}
        with ThreadPoolExecutor(max_workers=PARALLEL) as pool:
            running: dict[Future[bool], str] = {}
            while waiting or running:
                for name in [n for n, task in waiting.items() if set(task.get("dependentTasks", [])) <= set(ends)]:
                    task = waiting.pop(name)
                    well = all(ends[dependency] == "COMPLETE" for dependency in task.get("dependentTasks", []))
                    if well or task.get("triggerPolicy", {}).get("strategy") == "ALL_UPSTREAM_TASKS_COMPLETED":
                        inputs = {
                            key: self._input(given, values, ends) for key, given in task["inputs"]["parameters"].items()
                        }
                        running[pool.submit(self._task, name, task, inputs)] = name
                    else:
                        ends[name] = "NOT_TRIGGERED"
                for ended in wait(running, return_when=FIRST_COMPLETED).done:
                    ends[running.pop(ended)] = "COMPLETE" if ended.result() else "FAILED"
        return set(ends.values()) == {"COMPLETE"}

    def _task(self, name: str, task: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
        if name in self._done:
            return True
        component = self._package.spec["components"][task["componentRef"]["name"]]
        return self.dag(component["dag"], inputs) if "dag" in component else self._container(name, component, inputs)

    def _input(self, given: Mapping[str, Any], values: Mapping[str, Any], ends: Mapping[str, str]) -> Any:
        if "componentInputParameter" in given:
            return values[given["componentInputParameter"]]
        if "taskFinalStatus" in given:
            producer = given["taskFinalStatus"]["producerTask"]
            return {"state": ends[producer], "pipelineTaskName": producer, "pipelineJobResourceName": "a-run", "error": {}}
        constant = given["runtimeValue"]["constant"]
        return self._run_id if constant == "{{$.pipeline_job_uuid}}" else constant

    def _container(self, task: str, component: Mapping[str, Any], inputs: Mapping[str, Any]) -> bool:
        executor = component["executorLabel"]
        container = self._package.spec["deploymentSpec"]["executors"][executor]["container"]
        kubernetes = self._package.platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"][executor]
        for mount in kubernetes["pvcMount"]:
            if str(self._cluster.volumes[mount["constant"]]) != mount["mountPath"]:
                raise ValueError(f"A volume must be a folder at its mount path. Received: {mount['mountPath']}.")
        for _ in range(self._retries + 1):
            process = (zygote.start_process if task in self._real else zygote.start)(
                [self._filled(part, task, inputs) for part in [*container["command"], *container["args"]]],
                {**self._cluster.image_environment, **self._environment(container, kubernetes)},
                self._cluster.folder,
            )
            if self._started is not None:
                self._started(task, process)
            output, errors = process.communicate()
            status = process.poll()
            if status is None:
                raise RuntimeError(f"{task} must have ended.")
            self.results.append(StepResult(task, status, output, errors))
            if status == 0:
                return True
        return False

    def _filled(self, argument: str, task: str, inputs: Mapping[str, Any]) -> str:
        # KFP's launcher takes an output artifact from its path to the object store.
        made = re.sub(
            r"\{\{\$\.outputs\.artifacts\['(\w+)'\]\.path\}\}",
            lambda found: str(self._cluster.folder / "outputs" / self._run_id / task / found[1]),
            argument,
        )
        return _filled(made, inputs)

    def _environment(self, container: Mapping[str, Any], kubernetes: Mapping[str, Any]) -> dict[str, str]:
        variables = {variable["name"]: variable["value"] for variable in container.get("env", [])}
        for kind, name, key, known in (
            ("secretAsEnv", "secretName", "secretKey", self._cluster.secrets),
            ("configMapAsEnv", "configMapName", "configMapKey", self._cluster.config_maps),
        ):
            for source in kubernetes.get(kind, []):
                for pair in source["keyToEnv"]:
                    variables[pair["envVar"]] = known[source[name]][pair[key]]
        return variables


def _filled(argument: str, inputs: Mapping[str, Any]) -> str:
    return re.sub(r"\{\{\$\.inputs\.parameters\['(\w+)'\]\}\}", lambda found: _text(inputs[found[1]]), argument)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value)
    digits = format(Decimal(repr(value)), "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
