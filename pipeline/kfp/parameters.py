"""What an operator may change from run to run: the parameters of the compiled package.

They are the settings that a local run takes from its environment. TFX could take none of them as its own runtime parameters:
they lie within JSON texts and resolvers' settings. So a step writes them into its node's IR, which then is what
`create_pipeline` would have made of them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping

from tfx.proto.orchestration import pipeline_pb2
from tfx.utils import proto_utils

from pipeline.config import SETTINGS, RunConfig

NEWEST = "newest"
NONE = "none"
Value = str | int | float


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of the package.

    Args:
        description: What it is, for people.
        nodes: The ids of the nodes that take it.
    """

    description: str
    nodes: tuple[str, ...]


_VALIDATORS = ("example_validator", "vocabulary_validator")

PARAMETERS: dict[str, Parameter] = {
    "data_root": Parameter("The folder of the data.", ("example_gen",)),
    "span": Parameter("The span to ingest: newest, or its folder's name, its date or its number.", ("example_gen",)),
    "span_version": Parameter("The span's version: newest, or its number.", ("example_gen",)),
    "window_spans": Parameter("How many spans before it train, at most.", ("window",)),
    "max_rejected_share": Parameter("The share of rejected rows that fails a run.", ("example_gen",)),
    "max_row_bytes": Parameter("The longest row, in bytes.", ("example_gen",)),
    "max_list_length": Parameter("The longest list in a cell.", ("example_gen",)),
    "dead_letter_received": Parameter("How many characters are kept of a rejected row.", ("example_gen",)),
    "max_drift": Parameter("The most that a column may differ from the previous span.", _VALIDATORS),
    "min_rows": Parameter("The least rows of a split.", _VALIDATORS),
    "max_oov_rate": Parameter("The largest share of tokens out of vocabulary.", _VALIDATORS),
    "tolerated": Parameter("Findings that only warn, separated by commas, or none.", _VALIDATORS),
    "epochs": Parameter("How often the training data is seen at most.", ("trainer",)),
    "batch_size": Parameter("The rows of a training step.", ("trainer",)),
    "learning_rate": Parameter("The learning rate.", ("trainer",)),
    "seed": Parameter("The seed of initial weights, shuffling and dropout.", ("trainer",)),
    "min_auc": Parameter("The least AUC of a model that is published.", ("evaluator",)),
    "max_auc_drop": Parameter("How far the AUC may fall short of the last blessed model's.", ("evaluator",)),
}


def of_node(node: str) -> list[str]:
    """The names of the parameters that a node takes."""
    return [name for name, parameter in PARAMETERS.items() if node in parameter.nodes]


def defaults(config: RunConfig) -> dict[str, Value]:
    """The parameters' values in a configuration, in the order of PARAMETERS."""
    values: dict[str, Value] = {"data_root": config.data_root}
    for part, kinds in SETTINGS.items():
        for name, kind in kinds.items():
            value = getattr(getattr(config, part) if part else config, name.lower())
            if isinstance(value, tuple):
                values[name.lower()] = ",".join(value) or NONE
            else:
                # A whole number in a configuration file must not make a parameter that takes whole numbers only.
                values[name.lower()] = float(value) if kind is float else value
    values["span_version"] = NEWEST if config.span_version is None else str(config.span_version)
    return {name: values[name] for name in PARAMETERS}


def configured(config: RunConfig, texts: Mapping[str, str]) -> RunConfig:
    """The configuration with parameters replaced.

    Args:
        config: The configuration.
        texts: The parameters' values as they come on a command line, by name.

    Raises:
        ValueError: A value is not of its type, or out of its range.
    """
    for name, text in texts.items():
        if not text:
            raise ValueError(f"`{name}` must not be empty.")
    given = {name.upper(): text for name, text in texts.items()}
    if given.get("SPAN_VERSION") == NEWEST:
        config = dataclasses.replace(config, span_version=None)
        del given["SPAN_VERSION"]
    return dataclasses.replace(config, data_root=texts.get("data_root", config.data_root)).with_settings(given)


def apply(one: pipeline_pb2.Pipeline, config: RunConfig) -> None:
    """Writes what parameters can change into the IR of one node, as the configuration has it."""
    node = one.nodes[0].pipeline_node
    writer = _WRITERS.get(node.node_info.id)
    if writer is not None:
        writer(node, config)


def _write_example_gen(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    from components.example_gen.configuration import INGESTION, pack, unpack
    from components.example_gen.driver import SPAN_SETTING, VERSION_SETTING

    values = unpack(_get(node, "custom_config"))
    values |= {SPAN_SETTING: config.span, INGESTION: config.ingestion.to_dict(), VERSION_SETTING: config.span_version}
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


def _write_trainer(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    settings = json.loads(_get(node, "custom_config"))
    settings["hyperparameters"] = config.hyperparameters.to_dict()
    _set(node, "custom_config", json.dumps(settings, sort_keys=True))


def _write_evaluator(node: pipeline_pb2.PipelineNode, config: RunConfig) -> None:
    from components.evaluation import eval_config
    from transform.features import DECLARATION

    _set(node, "eval_config", proto_utils.proto_to_json(eval_config(DECLARATION, config.bounds)))


_WRITERS: dict[str, Callable[[pipeline_pb2.PipelineNode, RunConfig], None]] = {
    "example_gen": _write_example_gen,
    "window": _write_window,
    "example_validator": _write_data_bounds,
    "vocabulary_validator": _write_data_bounds,
    "trainer": _write_trainer,
    "evaluator": _write_evaluator,
}


def _get(node: pipeline_pb2.PipelineNode, name: str) -> str:
    return str(node.parameters.parameters[name].field_value.string_value)


def _set(node: pipeline_pb2.PipelineNode, name: str, text: str) -> None:
    node.parameters.parameters[name].field_value.string_value = text
