"""The schemas derived from the declaration. `python -m transform.schema` prints that of raw examples."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import tensorflow as tf
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from transform.declaration import Declaration, weight_name
from transform.features import DECLARATION

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


def token_schema(
    declaration: Declaration, domains: Mapping[str, Collection[str]] | None = None, both_labels: bool = True
) -> schema_pb2.Schema:
    """The schema of examples whose cells are split into tokens (`components/statistics_gen`); empty cells are missing.

    Args:
        declaration: The declared columns.
        domains: The closed domains: all tokens that a column may hold, by column. Other columns may hold any token.
        both_labels: Whether both labels must occur.

    Raises:
        ValueError: `domains` names what is not a column of tokens.
    """
    domains = domains or {}
    known = [column.name for column in declaration.columns if column.kind not in ("label", "numeric", "sample_weight")]
    if unknown := sorted(set(domains) - set(known)):
        raise ValueError(f"`domains` must name columns of tokens: {known}. Received: {unknown}.")
    schema = schema_pb2.Schema()
    for column in declaration.columns:
        feature = schema.feature.add(name=column.name, type=schema_pb2.BYTES)
        if column.required:
            feature.presence.min_fraction = 1.0
            feature.presence.min_count = 1
        feature.value_count.min = 1
        if column.is_single:
            feature.value_count.max = 1
        if column.kind == "numeric":
            feature.type = schema_pb2.FLOAT
            feature.float_domain.CopyFrom(schema_pb2.FloatDomain(disallow_nan=True, disallow_inf=True))
        if column.kind == "sample_weight":
            feature.type = schema_pb2.FLOAT
            feature.float_domain.CopyFrom(schema_pb2.FloatDomain(min=0.0, disallow_nan=True, disallow_inf=True))
        if column.kind == "label":
            feature.type = schema_pb2.INT
            # Categorical, so that the share of each label is counted and compared.
            feature.int_domain.CopyFrom(schema_pb2.IntDomain(min=0, max=1, is_categorical=True))
            feature.unique_constraints.CopyFrom(schema_pb2.UniqueConstraints(min=1 + both_labels, max=2))
        if column.name in domains:
            feature.string_domain.value.extend(sorted(domains[column.name]))
        if column.kind == "weighted_list":
            weights = schema.feature.add(name=weight_name(column.name), type=schema_pb2.FLOAT)
            weights.value_count.min = 1
            weights.float_domain.CopyFrom(schema_pb2.FloatDomain(min=0.0, disallow_nan=True, disallow_inf=True))
    return schema


def schema_text(declaration: Declaration) -> str:
    """`raw_schema` as a text proto, the same for the same declaration."""
    return str(text_format.MessageToString(raw_schema(declaration)))


def main() -> None:
    print(schema_text(DECLARATION), end="")


if __name__ == "__main__":
    main()
