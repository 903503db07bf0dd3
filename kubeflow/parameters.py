"""What an operator may change from run to run: the parameters of the compiled package.

They are the settings that a local run takes from its environment. TFX could take none of them as its own runtime parameters:
they lie within JSON texts and resolvers' settings. So a step writes them into its node's IR, which then is what
`create_pipeline` would have made of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2
from tfx.utils import proto_utils

from pipeline.beam import BEAM_NODES
from pipeline.config import RunConfig
from settings.catalogue import build, catalogue, flat
from settings.texts import from_text, to_text

Value = str | int | float

_ENTRIES = catalogue(RunConfig)
PARAMETERS = {name: entry for name, entry in _ENTRIES.items() if entry.main and entry.nodes}


def of_node(node: str) -> list[str]:
    """The names of the parameters that a node takes."""
    return [name for name, entry in PARAMETERS.items() if node in entry.nodes]


def defaults(config: RunConfig) -> dict[str, Value]:
    """The parameters' values in a configuration, in the order of PARAMETERS: numbers, or texts."""
    values = flat(config)
    kinds = {name: entry.field.annotation for name, entry in PARAMETERS.items()}
    return {name: values[name] if kind in (int, float) else to_text(values[name]) for name, kind in kinds.items()}


def configured(config: RunConfig, texts: Mapping[str, str]) -> RunConfig:
    """The configuration with parameters replaced.

    Args:
        config: The configuration.
        texts: The parameters' values as they come on a command line, by name.

    Raises:
        ValueError: A value breaks its rule.
    """
    for name, text in texts.items():
        if not text:
            raise ValueError(f"`{name}` must not be empty. Received: ''.")
    return build(RunConfig, flat(config) | {name: from_text(_ENTRIES[name], text) for name, text in texts.items()})


def apply(one: pipeline_pb2.Pipeline, config: RunConfig) -> None:
    """Writes what parameters can change into the IR of one node, as the configuration has it."""
    node = one.nodes[0].pipeline_node
    writer = _WRITERS.get(node.node_info.id)
    if writer is not None:
        writer(node, config)
    if node.node_info.id in BEAM_NODES:
        _write_beam_options(one, config)


def _write_beam_options(one: pipeline_pb2.Pipeline, config: RunConfig) -> None:
    name = one.nodes[0].pipeline_node.node_info.id
    deployment = pipeline_pb2.IntermediateDeploymentConfig()
    one.deployment_config.Unpack(deployment)
    spec = executable_spec_pb2.BeamExecutableSpec()
    deployment.executor_specs[name].Unpack(spec)
    del spec.beam_pipeline_args[:], spec.beam_pipeline_args_placeholders[:]
    options = config.beam.options(name)
    spec.beam_pipeline_args.extend(options)
    for option in options:
        spec.beam_pipeline_args_placeholders.add().value.string_value = option
    deployment.executor_specs[name].Pack(spec)
    one.deployment_config.Pack(deployment)


def _write_example_gen(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    from components.example_gen.configuration import INGESTION, pack, unpack
    from components.example_gen.driver import DATA_NAME_SETTING, MARKER_SETTING, SPAN_SETTING, VERSION_SETTING

    values = unpack(_get(node, "custom_config"))
    values |= {SPAN_SETTING: config.span, INGESTION: config.ingestion.to_dict(), VERSION_SETTING: config.version}
    values |= {DATA_NAME_SETTING: config.data_name, MARKER_SETTING: config.complete_marker}
    packed = pack({name: value for name, value in values.items() if value is not None})
    _set(node, "custom_config", proto_utils.proto_to_json(packed))
    _set(node, "input_base", config.data_root)


def _write_window(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    for graph in node.inputs.input_graphs.values():
        for operator in graph.nodes.values():
            if "num_spans" in operator.op_node.kwargs:
                operator.op_node.kwargs["num_spans"].value.field_value.int_value = config.window_spans


def _write_data_bounds(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    _set(node, "bounds", config.data_bounds.to_json())


def _write_bounds(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    _set(node, "bounds", config.bounds.to_json())


def _write_serving(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    # TFX's InfraValidator, which may stand in its place, takes none of them.
    if "settings" in node.parameters.parameters:
        _set(node, "settings", config.serving.to_json())


def _write_trainer(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    settings = json.loads(_get(node, "custom_config"))
    settings["hyperparameters"] = config.hyperparameters.to_dict()
    settings["export"] = config.export.to_dict()
    _set(node, "custom_config", json.dumps(settings, sort_keys=True))


_WRITERS: dict[str, Callable[[pipeline_pb2.PipelineNode, RunConfig], None]] = {
    "example_gen": _write_example_gen,
    "window": _write_window,
    "example_validator": _write_data_bounds,
    "vocabulary_validator": _write_data_bounds,
    "trainer": _write_trainer,
    "evaluator": _write_bounds,
    "serving_validator": _write_serving,
}


def _get(node: pipeline_pb2.PipelineNode, name: str) -> str:
    return str(node.parameters.parameters[name].field_value.string_value)


def _set(node: pipeline_pb2.PipelineNode, name: str, text: str) -> None:
    node.parameters.parameters[name].field_value.string_value = text
