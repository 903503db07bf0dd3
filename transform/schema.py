"""The raw examples' schema, derived from the declaration. `python -m transform.schema` prints data/schema.pbtxt."""

from __future__ import annotations

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from transform.features import DECLARATION, Declaration

TRAINING = "TRAINING"
SERVING = "SERVING"


def raw_schema(declaration: Declaration) -> schema_pb2.Schema:
    """The schema of ingested examples: one int64 label, and one bytes value for each other column."""
    schema = schema_pb2.Schema(default_environment=[TRAINING, SERVING])
    for column in declaration.columns:
        feature = schema.feature.add(name=column.name, shape=schema_pb2.FixedShape())
        feature.presence.min_fraction = 1.0
        feature.presence.min_count = 1
        if column.kind == "label":
            feature.type = schema_pb2.INT
            feature.int_domain.min = 0
            feature.int_domain.max = 1
        else:
            feature.type = schema_pb2.BYTES
        if column.side is None:
            feature.not_in_environment.append(SERVING)
    return schema


def raw_feature_spec(declaration: Declaration, serving: bool = False) -> dict[str, tf.io.FixedLenFeature]:
    """How an ingested example is parsed: scalars only. With `serving`, the columns that a request carries."""
    return {
        column.name: tf.io.FixedLenFeature([], tf.int64 if column.kind == "label" else tf.string)
        for column in declaration.columns
        if not serving or column.side is not None
    }


def main() -> None:
    print(text_format.MessageToString(raw_schema(DECLARATION)), end="")


if __name__ == "__main__":
    main()
