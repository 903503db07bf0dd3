"""ML Metadata on PostgreSQL: texts and orders."""

from __future__ import annotations

import ml_metadata as mlmd
import pytest
from ml_metadata.proto import metadata_store_pb2

from kubeflow.postgresql_store import PostgresqlStore, escape, unescape
from kubeflow.store import connection_from_environment, open_store
from tests.kubeflow.postgres import Server

TEXTS = (
    "plain",
    'a "quoted\\" text',
    "\\",
    "line\\n\n",
    "\ue05c",
    "\ue05cb\\\ue05cm",
    "\\\\\ue05c\\",
    "it's {{$.x}} %s $0 ü",
    "",
)


@pytest.fixture
def connection(database: Server) -> metadata_store_pb2.ConnectionConfig:
    return connection_from_environment(environment(database))


def environment(database: Server) -> dict[str, str]:
    return {
        "METADATA_HOST": database.host,
        "METADATA_PORT": str(database.port),
        "METADATA_DATABASE": database.database,
        "METADATA_USER": database.user,
        "METADATA_PASSWORD": database.password,
    }


def artifact_with(store: mlmd.MetadataStore, text: str) -> metadata_store_pb2.Artifact:
    type_id = store.put_artifact_type(
        metadata_store_pb2.ArtifactType(name="Noted", properties={"note": metadata_store_pb2.STRING}), can_add_fields=True
    )
    artifact = metadata_store_pb2.Artifact(type_id=type_id, uri=f"/{text}")
    artifact.properties["note"].string_value = text
    artifact.custom_properties["other"].string_value = text
    artifact.id = store.put_artifacts([artifact])[0]
    return artifact


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_back_as_it_was(connection: metadata_store_pb2.ConnectionConfig, text: str) -> None:
    store = open_store(connection)
    put = artifact_with(store, text)
    (found,) = store.get_artifacts_by_id([put.id])
    assert (found.uri, found.properties["note"].string_value) == (f"/{text}", text)
    assert found.custom_properties["other"].string_value == text
    assert [artifact.id for artifact in store.get_artifacts_by_uri(f"/{text}")][-1] == put.id


def test_ml_metadata_alone_fails_on_a_backslash(connection: metadata_store_pb2.ConnectionConfig) -> None:
    """The reason for PostgresqlStore; should this fail one day, it can go."""
    open_store(connection)
    with pytest.raises(mlmd.errors.InternalError, match="syntax error"):
        artifact_with(mlmd.MetadataStore(connection), 'a "quoted\\" text')


def test_escaping_is_reversible_and_leaves_no_backslash() -> None:
    for text in TEXTS:
        assert "\\" not in escape(text)
        assert unescape(escape(text)) == text


def test_a_text_outside_postgresql_is_escaped_alike() -> None:
    connection = metadata_store_pb2.ConnectionConfig()
    connection.sqlite.SetInParent()
    put = artifact_with(store := PostgresqlStore(connection), TEXTS[1])
    assert store.get_artifacts_by_id([put.id])[0].properties["note"].string_value == TEXTS[1]


@pytest.mark.parametrize("name", ["HOST", "PORT", "DATABASE", "USER", "PASSWORD"])
def test_a_missing_variable_is_named(database: Server, name: str) -> None:
    variables = environment(database)
    del variables[f"METADATA_{name}"]
    with pytest.raises(ValueError, match=f"Missing: METADATA_{name}"):
        connection_from_environment(variables)


def test_a_wrong_password_is_an_error_that_does_not_show_it(database: Server, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = connection_from_environment(environment(database) | {"METADATA_PASSWORD": "not the password"})
    with pytest.raises(RuntimeError, match="The metadata store must be reachable. Received: database 'metadata'") as error:
        open_store(wrong, first_wait=0.01)
    logged = capfd.readouterr().err
    assert "password authentication failed" in logged
    assert "not the password" not in f"{error.value}{logged}"


def test_answers_are_in_order_whatever_was_updated(connection: metadata_store_pb2.ConnectionConfig) -> None:
    store = open_store(connection)
    artifacts = [artifact_with(store, text) for text in ("first", "second", "third")]
    ids = [artifact.id for artifact in artifacts]
    # An update moves a row behind the others.
    artifacts[0].custom_properties["other"].string_value = "updated"
    store.put_artifacts([artifacts[0]])
    asked = [ids[2], ids[0], ids[1]]
    assert [found.id for found in store.get_artifacts_by_id(asked)] == asked
    by_type = [found.id for found in store.get_artifacts_by_type("Noted")]
    assert by_type == sorted(by_type)
