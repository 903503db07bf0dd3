"""data/schema.pbtxt is the declaration's schema."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from transform.features import DECLARATION
from transform.schema import raw_feature_spec, raw_schema

COMMITTED = Path(__file__).parents[2] / "data" / "schema.pbtxt"


def test_the_committed_schema_is_that_of_the_declaration() -> None:
    committed = text_format.Parse(COMMITTED.read_text(), schema_pb2.Schema())
    assert committed == raw_schema(DECLARATION), "run `make schema`"


def test_the_serving_spec_has_neither_label_nor_group() -> None:
    assert set(raw_feature_spec(DECLARATION)) - set(raw_feature_spec(DECLARATION, serving=True)) == {"act", "client_id"}
