"""Compiles the pipeline to a package for Kubeflow Pipelines 2: one container step for each node of TFX's IR.

The package needs Kubeflow Pipelines 2.14.0 or newer: older ones do not tell an exit handler how the run ended.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kfp import compiler, dsl
from tfx.dsl.compiler.compiler import Compiler
from tfx.proto.orchestration import pipeline_pb2

from kubeflow import node_ir, parameters
from kubeflow.package_config import PackageConfig
from kubeflow.resources import allow_all_attempts, equip
from pipeline.fingerprint import tree_fingerprint
from pipeline.pipeline import INGESTION, MODEL_REPORT, NODES, TASKS, create_pipeline

REPORT = "report"
_STATUS = "status"
# What the page of a run's report is to Kubeflow: an artifact that its user interface shows beside the step.
PAGE = "page"
_RUN_ID = "run_id"


def compile_package(config: PackageConfig, path: Path, ingest_only: bool = False) -> None:
    """Writes the package: a YAML file with the pipeline's spec and its Kubernetes settings.

    The same configuration and code give the same bytes.

    Args:
        config: The configuration.
        path: The file, `*.yaml`.
        ingest_only: Whether the package only takes a span in and checks it, so that later runs find it in their windows. Its
            name is the pipeline's with `-ingest`; to TFX it is the same pipeline, and one run of both is at work at a time.

    Raises:
        ValueError: The configuration names no metadata store, or a node that is not there, or a node's IR is too large.
    """
    if config.metadata_store is None:
        raise ValueError("`metadata_store` must be given for Kubeflow.")
    unknown = sorted(set(config.nodes) - {*TASKS, REPORT})
    if unknown:
        raise ValueError(f"`nodes` must hold ids of nodes, or `{REPORT}`. Received: {', '.join(unknown)}.")
    ir = Compiler().compile(create_pipeline(config.run_config(), INGESTION if ingest_only else tuple(NODES)))
    pipeline = _pipeline(config, ir, f"{config.pipeline_name}-ingest" if ingest_only else config.pipeline_name)
    allow_all_attempts(pipeline.pipeline_spec, config)
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(pipeline, str(path))


def _pipeline(config: PackageConfig, ir: pipeline_pb2.Pipeline, name: str) -> Any:
    """KFP's pipeline: the steps within an exit handler, which reports how they went."""
    cuts = node_ir.cut(ir)
    upstream = {node: list(one.nodes[0].pipeline_node.upstream_nodes) for node, one in cuts.items()}
    last = set(cuts) - {before for nodes in upstream.values() for before in nodes}
    taken = {parameter for node in cuts for parameter in parameters.of_node(node)}
    defaults = {key: value for key, value in parameters.defaults(config.run_config()).items() if key in taken}
    code = tree_fingerprint(*node_ir.CODE)

    def body(*given: Any) -> None:
        values = dict(zip(defaults, given, strict=True))
        report = _report(config, list(defaults), list(cuts))(**{_RUN_ID: dsl.PIPELINE_JOB_ID_PLACEHOLDER}, **values)
        equip(report, config, REPORT, "tells how the run went")
        tasks: dict[str, dsl.PipelineTask] = {}
        with dsl.ExitHandler(report, name=name):
            for node, one in cuts.items():
                # The last node may have to report (kubeflow/retried.py).
                names = list(defaults) if node in last else parameters.of_node(node)
                more = ["--nodes", ",".join(cuts)] if node in last else []
                step = _step(config, node, names, [*more, "--code", code, "--ir", node_ir.to_text(one)])
                task = step(**{_RUN_ID: dsl.PIPELINE_JOB_ID_PLACEHOLDER}, **{key: values[key] for key in names})
                task.after(*[tasks[before] for before in upstream[node]])
                tasks[node] = equip(task, config, node, TASKS[node])

    signature = [
        inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value, annotation=type(value))
        for key, value in defaults.items()
    ]
    _sign(body, name, signature)
    body.__doc__ = "\n".join(
        [
            "From interaction CSVs to a published ranking model." if "trainer" in cuts else "Takes in a span of CSVs.",
            "",
            "Args:",
            *[f"    {key}: {parameters.PARAMETERS[key].help}" for key in defaults],
        ]
    )
    return dsl.pipeline(name=name)(body)


def _step(config: PackageConfig, node: str, names: Sequence[str], more: Sequence[str]) -> Callable[..., Any]:
    """A component that runs one node. Its inputs are the run's id and parameters; `more` are further arguments."""

    def container(given: Mapping[str, Any]) -> dsl.ContainerSpec:
        arguments = [*_arguments(config, names, given), *more]
        if PAGE in given:
            arguments += ["--page", given[PAGE].path]
        return dsl.ContainerSpec(image=config.image, command=["python", "-m", "kubeflow.node"], args=arguments)

    page = {PAGE: dsl.Output[dsl.HTML]} if node == MODEL_REPORT else {}
    return _component(container, node, {**_kinds(config, names), **page})


def _report(config: PackageConfig, names: Sequence[str], nodes: Sequence[str]) -> Callable[..., Any]:
    """The component of the last step. Its inputs are the run's id, all parameters, and how Kubeflow sees the run's end."""

    def container(given: Mapping[str, Any]) -> dsl.ContainerSpec:
        arguments = [*_arguments(config, names, given), "--status", given[_STATUS], "--nodes", ",".join(nodes)]
        return dsl.ContainerSpec(image=config.image, command=["python", "-m", "kubeflow.report"], args=arguments)

    return _component(container, REPORT, {_STATUS: dsl.PipelineTaskFinalStatus, **_kinds(config, names)})


def _arguments(config: PackageConfig, names: Sequence[str], given: Mapping[str, Any]) -> list[Any]:
    """What every step is told: the run's id, the pipeline's configuration, and the parameters that replace some of it."""
    arguments = ["--run-id", given[_RUN_ID], "--lease-seconds", str(config.lease_seconds)]
    arguments += ["--config", config.run_config().to_json()]
    if config.notification is not None:
        arguments += ["--notify", config.notification.on]
    for name in names:
        arguments += ["--set", name, given[name]]
    return arguments


def _kinds(config: PackageConfig, names: Sequence[str]) -> dict[str, type]:
    defaults = parameters.defaults(config.run_config())
    return {name: type(defaults[name]) for name in names}


def _component(
    container: Callable[[Mapping[str, Any]], dsl.ContainerSpec], name: str, inputs: Mapping[str, Any]
) -> Callable[..., Any]:
    kinds: dict[str, Any] = {_RUN_ID: str, **inputs}

    def function(*given: Any) -> dsl.ContainerSpec:
        return container(dict(zip(kinds, given, strict=True)))

    signature = [
        inspect.Parameter(input_name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)
        for input_name, kind in kinds.items()
    ]
    _sign(function, name, signature, dsl.ContainerSpec)
    component: Callable[..., Any] = dsl.container_component(function)
    return component


def _sign(function: Any, name: str, signature: list[inspect.Parameter], returns: Any = None) -> None:
    """Gives a function the name and the signature that KFP reads the inputs from."""
    function.__name__ = function.__qualname__ = name
    function.__signature__ = inspect.Signature(signature, return_annotation=returns)
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in signature}
