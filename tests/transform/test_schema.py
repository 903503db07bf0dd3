"""The schemas of the declaration."""

from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from transform.declaration import Declaration, Numeric
from transform.features import DECLARATION
from transform.schema import raw_feature_spec, raw_schema, schema_text, token_schema


def test_the_text_is_that_of_the_schema() -> None:
    assert text_format.Parse(schema_text(DECLARATION), schema_pb2.Schema()) == raw_schema(DECLARATION)


def test_ingested_columns_are_one_value_each_and_the_label_is_absent_when_serving() -> None:
    features = {one.name: one for one in raw_schema(DECLARATION).feature}
    assert set(features) == {column.name for column in DECLARATION.columns}
    assert {name for name, one in features.items() if one.type == schema_pb2.INT} == {"act"}
    assert "SERVING" in features["act"].not_in_environment


def test_the_serving_spec_has_neither_label_nor_group() -> None:
    assert set(raw_feature_spec(DECLARATION)) - set(raw_feature_spec(DECLARATION, serving=True)) == {"act", "client_id"}


def feature(name: str, schema: schema_pb2.Schema) -> schema_pb2.Feature:
    return next(one for one in schema.feature if one.name == name)


def test_tokens_of_required_columns_are_required_and_those_of_lists_are_not() -> None:
    schema = token_schema(DECLARATION)
    assert feature("topic_id", schema).presence.min_fraction == 1.0
    assert not feature("follow_topic_id", schema).HasField("presence")


def test_a_category_is_one_token_and_a_list_any_number() -> None:
    schema = token_schema(DECLARATION)
    assert feature("topic_id", schema).value_count == schema_pb2.ValueCount(min=1, max=1)
    assert feature("hist_topic_id", schema).value_count == schema_pb2.ValueCount(min=1)


def test_weights_are_finite_and_not_negative() -> None:
    domain = feature("all_topic_fav_7_weight", token_schema(DECLARATION)).float_domain
    assert domain == schema_pb2.FloatDomain(min=0.0, disallow_nan=True, disallow_inf=True)


def test_a_closed_domain_of_an_unknown_column_is_refused() -> None:
    schema = token_schema(DECLARATION, {"client_type": ["1", "0"]})
    assert list(feature("client_type", schema).string_domain.value) == ["0", "1"]
    with pytest.raises(ValueError, match=r"`domains` must name columns of tokens: .* Received: \['act'\]"):
        token_schema(DECLARATION, {"act": ["0", "1"]})


def test_every_column_of_a_declaration_has_a_feature_in_the_schema_of_tokens() -> None:
    names = {one.name for one in token_schema(DECLARATION).feature}
    assert names == {column.name for column in DECLARATION.columns} | {"all_topic_fav_7_weight"}


def test_numbers_are_ingested_as_cells_and_are_one_finite_float_in_the_schema_of_tokens() -> None:
    declaration = Declaration((*DECLARATION.features, Numeric("age", side="user"), Numeric("price", "item", required=True)))
    assert feature("age", raw_schema(declaration)).type == schema_pb2.BYTES
    schema = token_schema(declaration)
    age, price = feature("age", schema), feature("price", schema)
    assert (age.type, age.value_count.max) == (schema_pb2.FLOAT, 1)
    assert age.float_domain == schema_pb2.FloatDomain(disallow_nan=True, disallow_inf=True)
    assert not age.HasField("presence")
    assert price.presence.min_fraction == 1.0
    with pytest.raises(ValueError, match=r"`domains` must name columns of tokens: .* Received: \['age'\]"):
        token_schema(declaration, {"age": ["1"]})
