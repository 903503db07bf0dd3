"""Calls every signature of a SavedModel with rows of a CSV, and keeps the answers.

    python serving/run_signatures.py EXPORT ROWS.json ANSWERS.npz

`serving/check_export.py` runs this file with two versions of TensorFlow. It imports nothing of the project, because the
environment of the other version holds TensorFlow alone.
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
    model = tf.saved_model.load(export)
    answers = {VERSION: np.array(tf.__version__.encode())}
    for name, signature in model.signatures.items():
        inputs = {key: _input(key, spec, rows) for key, spec in signature.structured_input_signature[1].items()}
        for key, value in signature(**_same_users(inputs)).items():
            answers[f"{name}/{key}"] = value.numpy()
    # Strings come as objects, which npz would pickle.
    np.savez(answers_file, **{k: v.astype(bytes) if v.dtype == object else v for k, v in answers.items()})


def _input(name: str, spec: Any, rows: Rows) -> tf.Tensor:
    if name == EXAMPLES:
        return tf.constant([_example(row) for row in rows])
    cells = [row[name] for row in rows]
    if spec.shape.rank == 1:
        return tf.constant(cells)
    return tf.constant(cells[: len(cells) // USERS * USERS], shape=[USERS, len(cells) // USERS])


def _same_users(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Where candidates are [B, K], the user's columns are cut to B."""
    users = min(int(value.shape[0]) for value in inputs.values())
    return {name: value[:users] for name, value in inputs.items()}


def _example(row: dict[str, str]) -> bytes:
    example = tf.train.Example()
    for name, cell in row.items():
        example.features.feature[name].bytes_list.value.append(cell.encode())
    return example.SerializeToString()


if __name__ == "__main__":
    main(*sys.argv[1:])
