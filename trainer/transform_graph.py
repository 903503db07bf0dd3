"""Transform's graph as part of the exported model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import tensorflow as tf
import tensorflow_transform as tft


class TransformGraph(tf.Module):
    """Transform's graph, of which a call takes along only what the wanted outputs need.

    TFT's own layer calls the whole graph and fills in the columns that are not given. Its table lookups count as stateful,
    so nothing prunes them: candidates would be looked up together with as many empty users.

    Args:
        transform_output: Transform's output. Its vocabularies become assets of a model that owns this module.
    """

    def __init__(self, transform_output: tft.TFTransformOutput) -> None:
        super().__init__()
        self._loaded = tf.saved_model.load(transform_output.transform_savedmodel_dir)  # owns the tables
        self._function = self._loaded.transform_fn
        graph = self._function.graph
        (columns,), _ = self._function.structured_input_signature
        self._inputs = dict(zip(sorted(columns), graph.inputs, strict=False))  # what is left over are captures
        self._outputs: dict[str, Any] = tf.nest.pack_sequence_as(
            graph.structured_outputs, graph.outputs, expand_composites=True
        )

    def __call__(self, columns: Mapping[str, tf.Tensor], outputs: Iterable[str]) -> dict[str, Any]:
        """Adds the needed part of the graph to the function that is being traced.

        Args:
            columns: Raw columns, strings [B].
            outputs: The names of the wanted transformed features.

        Returns:
            The wanted features by name, tensors [B] or ragged tensors [B, (L)].

        Raises:
            ValueError: A wanted feature needs a column that is not given.
        """
        wanted = {name: self._outputs[name] for name in outputs}
        fetches = tf.nest.flatten(wanted, expand_composites=True)
        graph_def = _needed_nodes(self._function.graph.as_graph_def(), {tensor.op.name for tensor in fetches})
        nodes = {node.name for node in graph_def.node}
        needed = {name: tensor for name, tensor in self._inputs.items() if tensor.op.name in nodes}
        missing = sorted(set(needed) - set(columns))
        if missing:
            raise ValueError(f"`columns` must hold {missing} for {sorted(wanted)}. Received: {sorted(columns)}.")
        feeds = {tensor.name: columns[name] for name, tensor in needed.items()}
        for value, tensor in self._function.graph.captures:
            if tensor.op.name in nodes:
                feeds[tensor.name] = tf.identity(value)
        found = tf.graph_util.import_graph_def(
            graph_def, input_map=feeds, return_elements=[tensor.name for tensor in fetches], name="transform"
        )
        for tensor, fetch in zip(found, fetches, strict=True):
            tensor.set_shape(fetch.shape)
        features: dict[str, Any] = tf.nest.pack_sequence_as(wanted, found, expand_composites=True)
        return features


def _needed_nodes(graph_def: tf.compat.v1.GraphDef, fetches: set[str]) -> tf.compat.v1.GraphDef:
    """The nodes that the fetched ones need.

    A traced function's outputs wait for everything stateful in it, here for every table lookup, whichever output it serves.
    """
    nodes = {node.name: node for node in graph_def.node}
    for name in fetches:
        data = [source for source in nodes[name].input if not source.startswith("^")]
        nodes[name].ClearField("input")
        nodes[name].input.extend(data)
    needed: set[str] = set()
    pending = set(fetches)
    while pending:
        name = pending.pop()
        needed.add(name)
        pending |= {source.removeprefix("^").partition(":")[0] for source in nodes[name].input} - needed
    result = tf.compat.v1.GraphDef(versions=graph_def.versions, library=graph_def.library)
    result.node.extend(node for node in graph_def.node if node.name in needed)
    return result
