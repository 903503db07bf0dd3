"""One user and K candidates, as each of the three signatures that can score them takes them."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, Column, Declaration

Row = dict[str, bytes]


class Feed(NamedTuple):
    """A user's columns, and those of each candidate."""

    user: Row
    items: list[Row]


def read_vocabularies(path: Path, declaration: Declaration) -> dict[str, list[bytes]]:
    """The tokens of each vocabulary, from the assets of the SavedModel in the folder `path`."""
    return {name: (path / "assets" / name).read_bytes().splitlines() for name in declaration.vocabularies}


def random_feed(
    declaration: Declaration, vocabularies: Mapping[str, Sequence[bytes]], candidates: int, rng: random.Random
) -> Feed:
    """A user with lists and histories of full length, and random candidates."""

    def cell(column: Column) -> bytes:
        tokens = vocabularies[declaration.vocabulary_of(column.name)]
        if column.max_length is None:
            return rng.choice(tokens)
        suffix = f"{WEIGHT_SEPARATOR}0.5".encode() if column.kind == "weighted_list" else b""
        return LIST_SEPARATOR.encode().join(rng.choice(tokens) + suffix for _ in range(column.max_length))

    def row(side: str) -> Row:
        return {column.name: cell(column) for column in declaration.columns if column.side == side}

    return Feed(row("user"), [row("item") for _ in range(candidates)])


def rank_request(feed: Feed) -> predict_pb2.PredictRequest:
    """The user once, the candidates as columns [1, K]."""
    columns: dict[str, list[bytes] | list[list[bytes]]] = {name: [cell] for name, cell in feed.user.items()}
    columns |= {name: [[item[name] for item in feed.items]] for name in feed.items[0]}
    return _request("rank", {name: tf.make_tensor_proto(cells) for name, cells in columns.items()})


def columns_request(feed: Feed) -> predict_pb2.PredictRequest:
    """Columns [K]: the user is repeated for every candidate."""
    rows = [feed.user | item for item in feed.items]
    return _request("serving_default", {name: tf.make_tensor_proto([row[name] for row in rows]) for name in rows[0]})


def examples_request(feed: Feed) -> predict_pb2.PredictRequest:
    """K serialized tf.Examples: the user is repeated in every one."""
    examples = []
    for item in feed.items:
        example = tf.train.Example()
        for name, cell in (feed.user | item).items():
            example.features.feature[name].bytes_list.value.append(cell)
        examples.append(example.SerializeToString())
    return _request("serve_examples", {"examples": tf.make_tensor_proto(examples)})


REQUESTS: dict[str, Callable[[Feed], predict_pb2.PredictRequest]] = {
    "rank": rank_request,
    "serving_default": columns_request,
    "serve_examples": examples_request,
}


def scores(response: predict_pb2.PredictResponse) -> np.ndarray:
    """The scores of the candidates, [K]."""
    return np.ravel(tf.make_ndarray(response.outputs["score"]))


def _request(signature: str, inputs: Mapping[str, tf.compat.v1.TensorProto]) -> predict_pb2.PredictRequest:
    request = predict_pb2.PredictRequest()
    request.model_spec.signature_name = signature
    for name, tensor in inputs.items():
        request.inputs[name].CopyFrom(tensor)
    return request
