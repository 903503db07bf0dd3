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

from pipeline.fingerprint import tree_fingerprint
from pipeline.kfp import node_ir, parameters, run_config_json
from pipeline.kfp.config import PackageConfig
from pipeline.kfp.resources import equip
from pipeline.pipeline import NODES, create_pipeline

REPORT = "report"
_STATUS = "status"
_RUN_ID = "run_id"


def compile_package(config: PackageConfig, path: Path) -> None:
    """Writes the package: a YAML file with the pipeline's spec and its Kubernetes settings.

    The same configuration and code give the same bytes.

    Args:
        config: The configuration.
        path: The file, `*.yaml`.

    Raises:
        ValueError: The configuration names no metadata store, or a node that is not there, or a node's IR is too large.
    """
    if config.metadata_store is None:
        raise ValueError("`metadata_store` must be given for Kubeflow.")
    ir = Compiler().compile(create_pipeline(config.run_config()))
    unknown = sorted(set(config.nodes) - {node.pipeline_node.node_info.id for node in ir.nodes} - {REPORT})
    if unknown:
        raise ValueError(f"`nodes` must hold ids of nodes, or `{REPORT}`. Received: {', '.join(unknown)}.")
    path.parent.mkdir(parents=True, exist_ok=True)
    compiler.Compiler().compile(_pipeline(config, ir), str(path))


def _pipeline(config: PackageConfig, ir: pipeline_pb2.Pipeline) -> Any:
    """KFP's pipeline: the steps within an exit handler, which reports how they went."""
    run_config = config.run_config()
    defaults = parameters.defaults(run_config)
    cuts = node_ir.cut(ir)
    code = tree_fingerprint(*node_ir.CODE)

    def body(*given: Any) -> None:
        values = dict(zip(defaults, given, strict=True))
        report = _report(config, list(cuts))(**{_RUN_ID: dsl.PIPELINE_JOB_ID_PLACEHOLDER}, **values)
        equip(report, config, REPORT, "tells how the run went")
        tasks: dict[str, dsl.PipelineTask] = {}
        with dsl.ExitHandler(report, name=config.pipeline_name):
            for node, one in cuts.items():
                names = parameters.of_node(node)
                step = _step(config, node, names, node_ir.to_text(one), code)
                task = step(**{_RUN_ID: dsl.PIPELINE_JOB_ID_PLACEHOLDER}, **{name: values[name] for name in names})
                task.after(*[tasks[upstream] for upstream in one.nodes[0].pipeline_node.upstream_nodes])
                tasks[node] = equip(task, config, node, NODES[node])

    signature = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=value, annotation=type(value))
        for name, value in defaults.items()
    ]
    _sign(body, config.pipeline_name, signature)
    body.__doc__ = "\n".join(
        [
            "From interaction CSVs to a published ranking model.",
            "",
            "Args:",
            *[f"    {name}: {parameters.PARAMETERS[name].description}" for name in defaults],
        ]
    )
    return dsl.pipeline(name=config.pipeline_name)(body)


def _step(config: PackageConfig, node: str, names: Sequence[str], ir: str, code: str) -> Callable[..., Any]:
    """A component that runs one node. Its inputs are the run's id and the node's parameters."""

    def container(given: Mapping[str, Any]) -> dsl.ContainerSpec:
        arguments = [*_arguments(config, names, given), "--code", code, "--ir", ir]
        return dsl.ContainerSpec(image=config.image, command=["python", "-m", "pipeline.kfp.node"], args=arguments)

    return _component(container, node, _kinds(config, names))


def _report(config: PackageConfig, nodes: Sequence[str]) -> Callable[..., Any]:
    """The component of the last step. Its inputs are the run's id, all parameters, and how Kubeflow sees the run's end."""
    names = list(parameters.PARAMETERS)

    def container(given: Mapping[str, Any]) -> dsl.ContainerSpec:
        arguments = [*_arguments(config, names, given), "--status", given[_STATUS], "--nodes", ",".join(nodes)]
        if config.notification is not None:
            arguments += ["--notify", config.notification.on]
        return dsl.ContainerSpec(image=config.image, command=["python", "-m", "pipeline.kfp.report"], args=arguments)

    return _component(container, REPORT, {_STATUS: dsl.PipelineTaskFinalStatus, **_kinds(config, names)})


def _arguments(config: PackageConfig, names: Sequence[str], given: Mapping[str, Any]) -> list[Any]:
    """What every step is told: the run's id, the pipeline's configuration, and the parameters that replace some of it."""
    arguments = ["--run-id", given[_RUN_ID], "--lease-seconds", str(config.lease_seconds)]
    arguments += ["--config", run_config_json.to_json(config.run_config())]
    for name in names:
        arguments += ["--set", name, given[name]]
    return arguments


def _kinds(config: PackageConfig, names: Sequence[str]) -> dict[str, type]:
    defaults = parameters.defaults(config.run_config())
    return {name: type(defaults[name]) for name in names}


def _component(
    container: Callable[[Mapping[str, Any]], dsl.ContainerSpec], name: str, inputs: Mapping[str, type]
) -> Callable[..., Any]:
    kinds = {_RUN_ID: str, **inputs}

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
