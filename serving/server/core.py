"""What is served (a ModelServerConfig), and which loaded model a request names by name, version or label."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from tensorflow_serving.config import model_server_config_pb2

from serving.server.errors import failed_precondition, invalid_argument, not_found
from serving.server.manager import Manager
from serving.server.saved_model import SavedModel

PLATFORM = "tensorflow"

_ABSOLUTE = re.compile(r"/|[a-z][a-z0-9+.-]*://", re.IGNORECASE)

LOG = logging.getLogger(__name__)


class Servable(NamedTuple):
    """A loaded version that a request is using."""

    name: str
    version: int
    model: SavedModel


class Core:
    """Looks up models, and changes which are served.

    Args:
        manager: of the versions.
        allow_labels_for_unavailable: a new label may point to a version that does not serve yet.
        stopping: whether the server is ending, and nothing should be waited for.
    """

    def __init__(
        self,
        manager: Manager,
        allow_labels_for_unavailable: bool = False,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self.manager = manager
        self._is_stopping = stopping
        self._allow_labels_for_unavailable = allow_labels_for_unavailable
        self._labels: dict[str, dict[str, int]] = {}
        self._config = model_server_config_pb2.ModelServerConfig()
        self._config_lock = threading.Lock()

    def knows(self, name: str) -> bool:
        """Whether a model of that name is configured."""
        return name in self._labels

    def reload_config(self, config: Any, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Serves what a ModelServerConfig says, and waits until each new model is available.

        Args:
            config: replaces the one before.
            cancelled: whether nobody waits any more.

        Raises:
            ServingError: the configuration breaks a rule (nothing changes then), or a new model did not become available
                (the rest of the configuration holds).
        """
        with self._config_lock:
            _check(config)
            if config.WhichOneof("config") is None or config == self._config:
                return
            models = {model.name: model for model in config.model_config_list.config}
            labels = {name: self._checked_labels(model) for name, model in models.items()}
            new = models.keys() - self._labels.keys()
            self._config = config
            self._labels = labels
            LOG.info("Serving models: %s", ", ".join(f"{name} ({model.base_path})" for name, model in models.items()))
            self.manager.set_models(models)
        self.manager.wait_until_available(new, lambda: cancelled() or self._is_stopping())

    def _checked_labels(self, model: Any) -> dict[str, int]:
        labels = dict(model.version_labels)
        for label, version in labels.items():
            current = self._labels.get(model.name, {}).get(label, version)
            if self._allow_labels_for_unavailable and current == version:
                continue
            if version not in self.manager.available(model.name):
                raise failed_precondition(
                    f"Request to assign label to version {version} of model {model.name}, "
                    "which is not currently available for inference"
                )
        return labels

    @contextmanager
    def servable(self, spec: Any) -> Iterator[Servable]:
        """Holds the version that a ModelSpec names until the request is done.

        Raises:
            ServingError: no name, an unknown label, or no such version available.
        """
        while True:
            version = self._find(spec)
            with version.use() as model:
                if model is not None:
                    yield Servable(version.name, version.number, model)
                    return

    def _find(self, spec: Any) -> Any:
        number = self.version_number(spec)
        available = self.manager.available(spec.name)
        if number is None:
            if not available:
                raise not_found(f"Servable not found for request: Latest({spec.name})")
            return available[max(available)]
        if number not in available:
            raise not_found(f"Servable not found for request: Specific({spec.name}, {number})")
        return available[number]

    def version_number(self, spec: Any) -> int | None:
        """The version that a ModelSpec names, itself or by a label; None for the latest."""
        if not spec.name:
            raise invalid_argument("ModelSpec has no name specified.")
        choice = spec.WhichOneof("version_choice")
        if choice == "version":
            number: int = spec.version.value
            return number
        if choice == "version_label":
            labelled = self._labels.get(spec.name, {}).get(spec.version_label)
            if labelled is None:
                raise invalid_argument(f"Unrecognized servable version label: {spec.version_label}")
            return labelled
        return None


def single_model(name: str, base_path: str) -> Any:
    """The configuration that --model_name and --model_base_path stand for."""
    config = model_server_config_pb2.ModelServerConfig()
    config.model_config_list.config.add(name=name, base_path=base_path, model_platform=PLATFORM)
    return config


def _check(config: Any) -> None:
    """Raises the error of the first rule that the configuration breaks.

    Raises:
        ServingError: a custom configuration, a model listed twice, a relative base path, or another platform.
    """
    if config.WhichOneof("config") == "custom_model_config":
        raise failed_precondition("ModelServer does not yet support custom model config.")
    names: set[str] = set()
    for model in config.model_config_list.config:
        if model.name in names:
            raise invalid_argument(f"Illegal to list model {model.name} multiple times in config list")
        names.add(model.name)
        if not model.name:
            raise invalid_argument("A model must have a name.")
        if not _ABSOLUTE.match(model.base_path):
            raise invalid_argument(
                f"Expected model {model.name} to have an absolute path or URI; got base_path()={model.base_path}"
            )
        if model.model_platform != PLATFORM:
            raise invalid_argument(f"Model {model.name} requests unsupported platform {model.model_platform}")
