"""What a configuration of models says: policies, labels, rules; and what it waits for."""

from __future__ import annotations

import functools
import threading
from pathlib import Path

import grpc
import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import ServingError
from tests.serving.server import models
from tests.serving.server.served import Served, message, spec


def test_policies_choose_versions(served: Served, half_plus_two: Path) -> None:
    for number in (1, 2, 3, 4):
        models.copy_version(half_plus_two, served.root / str(number))
    for policy, expected in [
        ("latest { num_versions: 2 }", [3, 4]),
        ("specific { versions: 1 versions: 3 versions: 9 }", [1, 3]),
        ("all {}", [1, 2, 3, 4]),
        ("latest {}", [4]),
    ]:
        served.configure(policy)
        served.wait_for(functools.partial(lambda wanted: bool(served.available() == wanted), expected))


def test_labels_name_versions_that_serve(served: Served, half_plus_two: Path) -> None:
    for number in (1, 2):
        models.copy_version(half_plus_two, served.root / str(number))
    unknown = "FAILED_PRECONDITION: Request to assign label to version 1 of model m, which is not currently available"
    with pytest.raises(ServingError, match="which is not currently available") as caught:
        served.configure("all {}", 'version_labels { key: "old" value: 1 }')
    assert str(caught.value).startswith(unknown)
    served.configure("all {}")
    served.wait_for(lambda: served.available() == [1, 2])
    served.configure("all {}", 'version_labels { key: "old" value: 1 }')
    with served.core.servable(spec(version_label="old")) as servable:
        assert servable.version == 1
    served.configure("all {}", 'version_labels { key: "old" value: 2 }')
    with served.core.servable(spec(version_label="old")) as servable:
        assert servable.version == 2
    assert message(served.core, spec(version_label="new")) == ("INVALID_ARGUMENT: Unrecognized servable version label: new")


def test_a_new_model_that_cannot_load_is_reported_and_others_serve_on(served: Served, half_plus_two: Path) -> None:
    models.copy_version(half_plus_two, served.root / "1")
    served.configure()
    text = f'config {{ name: "m" base_path: "{served.root}" model_platform: "tensorflow" }}'
    bad = served.root.parent / "bad"
    (bad / "7").mkdir(parents=True)
    (bad / "7" / "saved_model.pb").write_bytes(b"\xff" * 100)
    text += f'config {{ name: "bad" base_path: "{bad}" model_platform: "tensorflow" }}'
    config = text_format.Parse(f"model_config_list {{ {text} }}", model_server_config_pb2.ModelServerConfig())
    with pytest.raises(
        ServingError, match="1 model\\(s\\) did not become available: {{{name: bad version: 7} due to error: INVALID_"
    ):
        served.core.reload_config(config)
    assert served.available() == [1]


@pytest.mark.parametrize(
    ("config", "code", "text"),
    [
        ('config { name: "m" base_path: "rel" model_platform: "tensorflow" }', "INVALID_ARGUMENT", "absolute path or URI"),
        ('config { name: "m" base_path: "/a" }', "INVALID_ARGUMENT", "unsupported platform"),
        ('config { name: "m" base_path: "/a" model_platform: "caffe" }', "INVALID_ARGUMENT", "unsupported platform caffe"),
        ('config { base_path: "/a" model_platform: "tensorflow" }', "INVALID_ARGUMENT", "must have a name"),
        (
            'config { name: "m" base_path: "/a" model_platform: "tensorflow" }' * 2,
            "INVALID_ARGUMENT",
            "list model m multiple",
        ),
    ],
)
def test_a_configuration_that_breaks_a_rule_changes_nothing(served: Served, config: str, code: str, text: str) -> None:
    parsed = text_format.Parse(f"model_config_list {{ {config} }}", model_server_config_pb2.ModelServerConfig())
    with pytest.raises(ServingError, match=text) as caught:
        served.core.reload_config(parsed)
    assert caught.value.code == getattr(grpc.StatusCode, code)
    assert not served.core.knows("m")


def test_waiting_for_a_model_can_be_given_up(served: Served) -> None:
    gone = threading.Event()
    threading.Timer(0.3, gone.set).start()
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name="m", base_path=str(served.root), model_platform="tensorflow")
    with pytest.raises(ServingError) as caught:
        served.core.reload_config(config, gone.is_set)
    assert caught.value.code == grpc.StatusCode.CANCELLED
