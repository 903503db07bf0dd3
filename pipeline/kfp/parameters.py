"""What an operator may change from run to run: the parameters of the compiled package.

TFX could take none of them as its own runtime parameters: they lie within JSON texts and resolvers' settings. A step writes
them into its node's IR, so that it becomes what `create_pipeline` would have made of them.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping
from typing import Any

from google.protobuf import struct_pb2
from tfx.proto.orchestration import pipeline_pb2
from tfx.utils import proto_utils

from components.bounds import Bounds
from pipeline.config import RunConfig
from trainer.hyperparameters import Hyperparameters

NEWEST = "newest"
Value = str | int | float


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of the package.

    Args:
        kind: Its type: str, int or float.
        node: The id of the node that takes it.
        description: What it is, for people.
    """

    kind: type
    node: str
    description: str


PARAMETERS: dict[str, Parameter] = {
    "data_root": Parameter(str, "example_gen", "The folder of the data."),
    "span": Parameter(str, "example_gen", "The span to ingest: newest, or its folder's name, its date or its number."),
    "span_version": Parameter(str, "example_gen", "The span's version: newest, or its number."),
    "window_spans": Parameter(int, "window", "How many spans before it train, at most."),
    "epochs": Parameter(int, "trainer", "How often the training data is seen."),
    "batch_size": Parameter(int, "trainer", "The rows of a training step."),
    "learning_rate": Parameter(float, "trainer", "The learning rate."),
    "seed": Parameter(int, "trainer", "The seed of initial weights, shuffling and dropout."),
    "min_auc": Parameter(float, "evaluator", "The least AUC of a model that is published."),
    "max_auc_drop": Parameter(float, "evaluator", "How far the AUC may fall short of the last blessed model's."),
}


def of_node(node: str) -> list[str]:
    """The names of the parameters that a node takes."""
    return [name for name, parameter in PARAMETERS.items() if parameter.node == node]


def defaults(config: RunConfig) -> dict[str, Value]:
    """The parameters' values in a configuration."""
    values: dict[str, Value] = {}
    for name in PARAMETERS:
        for part in (config, config.hyperparameters, config.bounds):
            if name in {field.name for field in dataclasses.fields(part)}:
                values[name] = getattr(part, name)
    values["span_version"] = NEWEST if config.span_version is None else str(config.span_version)
    return values


def parse(name: str, text: str) -> Value:
    """The value of a parameter that was passed as a text. Raises ValueError if it is not of the parameter's type."""
    kind = PARAMETERS[name].kind
    if kind is str:
        if not text:
            raise ValueError(f"`{name}` must not be empty.")
        return text
    try:
        number = float(text)
        if kind is int and number != int(number):
            raise ValueError
    except (ValueError, OverflowError) as error:
        wanted = "a whole number" if kind is int else "a number"
        raise ValueError(f"`{name}` must be {wanted}. Received: {text!r}.") from error
    return int(number) if kind is int else number


def configured(config: RunConfig, values: Mapping[str, Value]) -> RunConfig:
    """The configuration with parameters replaced. Raises ValueError if a value is out of its range."""
    given: dict[str, Any] = dict(values)
    if "span_version" in given:
        given["span_version"] = _version(str(given["span_version"]))
    parts: dict[str, Any] = {}
    for part in ("hyperparameters", "bounds"):
        names = {field.name for field in dataclasses.fields(getattr(config, part))} & set(given)
        parts[part] = dataclasses.replace(getattr(config, part), **{name: given.pop(name) for name in names})
    return dataclasses.replace(config, **parts, **given)


def apply(one: pipeline_pb2.Pipeline, values: Mapping[str, Value]) -> None:
    """Writes parameters into the IR of one node.

    Args:
        one: The node's IR.
        values: All parameters of the node, by name.

    Raises:
        ValueError: A value is out of its range.
    """
    node = one.nodes[0].pipeline_node
    # What any configuration checks, is checked here as well.
    configured(RunConfig(data_root="", state_root=""), values)
    if values:
        _WRITERS[node.node_info.id](node, values)


def _write_example_gen(node: pipeline_pb2.PipelineNode, values: Mapping[str, Value]) -> None:
    from components.example_gen.driver import SPAN_SETTING, VERSION_SETTING, read_settings

    settings, message = read_settings({"custom_config": _property(node, "custom_config").string_value})
    settings |= {SPAN_SETTING: values["span"], VERSION_SETTING: _version(str(values["span_version"]))}
    struct = struct_pb2.Struct()
    struct.update({name: value for name, value in settings.items() if value is not None})
    message.custom_config.Pack(struct)
    _property(node, "custom_config").string_value = proto_utils.proto_to_json(message)
    _property(node, "input_base").string_value = str(values["data_root"])


def _write_window(node: pipeline_pb2.PipelineNode, values: Mapping[str, Value]) -> None:
    for graph in node.inputs.input_graphs.values():
        for operator in graph.nodes.values():
            if "num_spans" in operator.op_node.kwargs:
                operator.op_node.kwargs["num_spans"].value.field_value.int_value = int(values["window_spans"])


def _write_trainer(node: pipeline_pb2.PipelineNode, values: Mapping[str, Value]) -> None:
    settings = json.loads(_property(node, "custom_config").string_value)
    hyperparameters = Hyperparameters.from_dict({**settings["hyperparameters"], **values})
    settings["hyperparameters"] = hyperparameters.to_dict()
    _property(node, "custom_config").string_value = json.dumps(settings, sort_keys=True)


def _write_evaluator(node: pipeline_pb2.PipelineNode, values: Mapping[str, Value]) -> None:
    from components.evaluation import eval_config
    from transform.features import DECLARATION

    config = eval_config(DECLARATION, Bounds(**{name: float(value) for name, value in values.items()}))
    _property(node, "eval_config").string_value = proto_utils.proto_to_json(config)


_WRITERS: dict[str, Callable[[pipeline_pb2.PipelineNode, Mapping[str, Value]], None]] = {
    "example_gen": _write_example_gen,
    "window": _write_window,
    "trainer": _write_trainer,
    "evaluator": _write_evaluator,
}


def _property(node: pipeline_pb2.PipelineNode, name: str) -> Any:
    return node.parameters.parameters[name].field_value


def _version(text: str) -> int | None:
    if text == NEWEST:
        return None
    if not text.isdecimal():
        raise ValueError(f"`span_version` must be {NEWEST} or a number. Received: {text!r}.")
    return int(text)
