"""Calls every signature of a SavedModel with rows of a CSV, and keeps the answers.

    python serving/run_signatures.py EXPORT ROWS.json ANSWERS.npz

`serving/check_export.py` runs this file with two versions of TensorFlow. It imports nothing of the project, because the
environment of the other version holds TensorFlow alone. The model is loaded into a session, by the restore operation in its
graph, as TensorFlow Serving does it: `tf.saved_model.load` goes by the objects beside the graph, and loads exports that
TensorFlow Serving cannot run.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import tensorflow as tf

USERS = 8
EXAMPLES = "examples"
# The entry of the answers that names the TensorFlow.
VERSION = "version"

Rows = list[dict[str, str]]


def main(export: str, rows_file: str, answers_file: str) -> None:
    """Answers are kept as arrays named `signature/output`, and the version of TensorFlow beside them."""
    with open(rows_file, encoding="utf-8") as file:
        rows: Rows = json.load(file)
    answers = {VERSION: np.array(tf.__version__.encode())}
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], export)
        for name, signature in meta_graph.signature_def.items():
            # The other signatures are the operations that initialize the model.
            if signature.inputs:
                answers |= {f"{name}/{key}": value for key, value in _run(session, signature, rows).items()}
    # Strings come as objects, which npz would pickle.
    arrays: dict[str, Any] = {k: v.astype(bytes) if v.dtype == object else v for k, v in answers.items()}
    np.savez(answers_file, **arrays)


def _run(session: Any, signature: Any, rows: Rows) -> dict[str, Any]:
    inputs = {info.name: _input(key, len(info.tensor_shape.dim), rows) for key, info in signature.inputs.items()}
    # Where candidates are [B, K], the user's columns are cut to B.
    users = min(map(len, inputs.values()))
    feed = {name: value[:users] for name, value in inputs.items()}
    outputs: dict[str, Any] = session.run({key: info.name for key, info in signature.outputs.items()}, feed)
    return outputs


def _input(name: str, rank: int, rows: Rows) -> Any:
    if name == EXAMPLES:
        return np.array([_example(row) for row in rows], dtype=object)
    cells = np.array([row[name].encode() for row in rows], dtype=object)
    return cells if rank == 1 else cells[: len(cells) // USERS * USERS].reshape(USERS, -1)


def _example(row: dict[str, str]) -> bytes:
    example = tf.train.Example()
    for name, cell in row.items():
        example.features.feature[name].bytes_list.value.append(cell.encode())
    data: bytes = example.SerializeToString()
    return data


if __name__ == "__main__":
    main(*sys.argv[1:])
