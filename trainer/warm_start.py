"""Starts a model from what an earlier one has learned, across changed vocabularies: rows of tables go by their tokens."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf

from trainer.din import DIN
from trainer.names import variable_names
from transform.declaration import FIRST_TOKEN_ID

# In a version's assets.extra: what its weights are called, in the order of the SavedModel's own.
WEIGHTS_FILE = "weights.json"

Vocabularies = Mapping[str, Sequence[bytes]]


def write_weight_names(model: DIN, path: str) -> None:
    """Tells, beside a SavedModel of the model, what its weights are called."""
    with tf.io.gfile.GFile(os.path.join(path, "assets.extra", WEIGHTS_FILE), "w") as file:
        file.write(json.dumps(variable_names(model.variables), indent=2) + "\n")


def start_from(model: DIN, vocabularies: Vocabularies, path: str) -> dict[str, int]:
    """Gives a new model the weights of an exported one.

    A token's row of a table, embeddings or weights of the wide part, goes where the new vocabulary has the token; a token
    that is new keeps its fresh row. Padding and "out of vocabulary" go as they are, as all other weights do whose shape is
    still the same. Given vectors are those of today's table.

    Args:
        model: The new model.
        vocabularies: The tokens of each of its vocabularies, in the order of their ids.
        path: The folder of the exported model.

    Returns:
        By vocabulary, how many of its tokens the exported model knew.

    Raises:
        ValueError: The exported model does not tell what its weights are called: it is of an earlier release.
    """
    earlier = _weights(path)
    tables = _tables(model)
    given = {table.embeddings.path for table in model.pretrained.values()}
    known: dict[str, int] = {}
    for name, variable in zip(variable_names(model.variables), model.variables, strict=True):
        value, old = np.array(variable), earlier.get(name)
        if old is None or variable.path in given or not np.issubdtype(value.dtype, np.floating):
            continue
        vocabulary = tables.get(variable.path)
        tokens = None if vocabulary is None else _tokens(path, vocabulary, old)
        if vocabulary is not None and tokens is not None and old.shape[1:] == value.shape[1:]:
            place = {token: FIRST_TOKEN_ID + number for number, token in enumerate(tokens)}
            rows = [
                (new, place[token]) for new, token in enumerate(vocabularies[vocabulary], FIRST_TOKEN_ID) if token in place
            ]
            value[:FIRST_TOKEN_ID] = old[:FIRST_TOKEN_ID]
            value[[new for new, _ in rows]] = old[[row for _, row in rows]]
            known[vocabulary] = len(rows)
            variable.assign(value)
        elif old.shape == value.shape:
            variable.assign(old)
    return known


def _tables(model: DIN) -> dict[str, str]:
    """By the path of each table of tokens, its vocabulary."""
    tables = {table.embeddings.path: vocabulary for vocabulary, table in model.tables.items()}
    if model.wide is not None:
        of_column = {column: name for name, columns in model.declaration.vocabularies.items() for column in columns}
        tables |= {table.embeddings.path: of_column[column] for column, table in model.wide.tables.items()}
    return tables


def _weights(path: str) -> dict[str, np.ndarray]:
    file = os.path.join(path, "assets.extra", WEIGHTS_FILE)
    if not tf.io.gfile.exists(file):
        raise ValueError(
            f"The model to start from must tell the names of its weights. Received: {path}, without {WEIGHTS_FILE}. "
            "It is of an earlier release: train once with WARM_START=false."
        )
    with tf.io.gfile.GFile(file) as text:
        names = json.loads(text.read())
    reader = tf.train.load_checkpoint(os.path.join(path, "variables", "variables"))
    return {name: reader.get_tensor(f"weights/{place}/.ATTRIBUTES/VARIABLE_VALUE") for place, name in enumerate(names)}


def _tokens(path: str, vocabulary: str, table: np.ndarray) -> list[bytes] | None:
    """The tokens of an exported model's table; None if it has no vocabulary of its size."""
    file = os.path.join(path, "assets", vocabulary)
    if not tf.io.gfile.exists(file):
        return None
    with tf.io.gfile.GFile(file, "rb") as lines:
        tokens = [line.rstrip(b"\n") for line in lines]
    return tokens if len(tokens) + FIRST_TOKEN_ID == len(table) else None
