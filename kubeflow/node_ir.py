"""What a step knows of the pipeline: TFX's intermediate representation (IR), cut down to one node, as a text."""

from __future__ import annotations

from google.protobuf import json_format
from tfx.proto.orchestration import executable_spec_pb2, pipeline_pb2

# The text is an argument of the step's command. Linux takes 128 KiB in one argument; all steps together must fit, with what
# Kubeflow adds, into the 1.5 MiB of a workflow in etcd.
MAX_BYTES = 64 * 1024
# What a step runs: the package and the image must hold the same.
CODE = ("components", "kubeflow", "pipeline", "serving", "settings", "trainer", "transform")
# Kubeflow, Argo and Kubernetes would substitute these.
_MARKS = ("{{", "$(")


def cut(ir: pipeline_pb2.Pipeline) -> dict[str, pipeline_pb2.Pipeline]:
    """A pipeline of one node for each node of `ir`, by node id, in the graph's order.

    The metadata store is left out: its password must not stand in a package.
    """
    config = pipeline_pb2.IntermediateDeploymentConfig()
    ir.deployment_config.Unpack(config)
    cuts = {}
    for node in ir.nodes:
        name = node.pipeline_node.node_info.id
        one = pipeline_pb2.Pipeline(
            pipeline_info=ir.pipeline_info, runtime_spec=ir.runtime_spec, execution_mode=ir.execution_mode, nodes=[node]
        )
        of_node = pipeline_pb2.IntermediateDeploymentConfig()
        for field in ("executor_specs", "custom_driver_specs"):
            if name in getattr(config, field):
                getattr(of_node, field)[name].CopyFrom(getattr(config, field)[name])
        one.deployment_config.Pack(of_node)
        cuts[name] = one
    return cuts


def to_text(one: pipeline_pb2.Pipeline) -> str:
    """The text; equal pipelines give equal texts.

    Raises:
        ValueError: It would not arrive as it is.
    """
    text = json_format.MessageToJson(one, indent=None, sort_keys=True)
    name = one.nodes[0].pipeline_node.node_info.id
    if len(text.encode()) > MAX_BYTES:
        raise ValueError(f"A node's IR must not exceed {MAX_BYTES} bytes. Received: {len(text.encode())} of {name}.")
    for mark in _MARKS:
        if mark in text:
            raise ValueError(
                f"A node's IR must not hold {mark!r}, which Kubeflow would substitute. Received: one in {name}."
            )
    return text


def from_text(text: str) -> pipeline_pb2.Pipeline:
    """The inverse of `to_text`. Raises ValueError if the text is none."""
    # Parsing needs the messages that the deployment config holds to be registered.
    _ = executable_spec_pb2
    try:
        one = json_format.Parse(text, pipeline_pb2.Pipeline())
    except json_format.ParseError as error:
        raise ValueError(f"`--ir` must be a node's IR. {error}") from error
    if len(one.nodes) != 1:
        raise ValueError(f"`--ir` must hold one node. Received: {len(one.nodes)}.")
    return one
