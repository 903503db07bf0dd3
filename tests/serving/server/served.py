"""A folder of versions, and the core that serves it, without a server around them."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf import config_pb2
from tensorflow_serving.apis import model_pb2
from tensorflow_serving.config import model_server_config_pb2

from serving.server.core import Core
from serving.server.errors import ServingError
from serving.server.loading import Loader
from serving.server.manager import Manager
from serving.server.metrics import Metrics
from serving.server.version import LoadPolicy


class Served:
    """A base path, and the core that serves it."""

    def __init__(self, root: Path, retries: int = 0) -> None:
        self.root = root
        loader = Loader(("serve",), config_pb2.ConfigProto(), 1, Metrics())
        self.manager = Manager(loader, LoadPolicy(poll_seconds=0.05, threads=1, retries=retries, retry_seconds=0.2))
        self.core = Core(self.manager)
        self.manager.start()

    def configure(self, policy: str = "", more: str = "", name: str = "m") -> None:
        text = f'name: "{name}" base_path: "{self.root}" model_platform: "tensorflow" {more}'
        text += f" model_version_policy {{ {policy} }}"
        config = model_server_config_pb2.ModelServerConfig()
        text_format.Parse(f"model_config_list {{ config {{ {text} }} }}", config)
        self.core.reload_config(config)

    def available(self) -> list[int]:
        return sorted(self.manager.available("m"))

    def wait_for(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 300
        while not condition():
            assert time.monotonic() < deadline, [(version, version.state) for version in self.manager.versions("m")]
            time.sleep(0.01)

    def state(self, number: int) -> Any:
        return next(version.state for version in self.manager.versions("m") if version.number == number)


def spec(**fields: Any) -> Any:
    return model_pb2.ModelSpec(name="m", **fields)


def message(core: Core, model_spec: Any) -> str:
    with pytest.raises(ServingError) as caught, core.servable(model_spec):
        pass
    return str(caught.value)
