"""One version of a model: its state, the requests that are using it, and when it is loaded and when it leaves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tensorflow_serving.apis import get_model_status_pb2

from serving.server.errors import ServingError, failed_precondition
from serving.server.saved_model import SavedModel

State = get_model_status_pb2.ModelVersionStatus.State
START = get_model_status_pb2.ModelVersionStatus.START
LOADING = get_model_status_pb2.ModelVersionStatus.LOADING
AVAILABLE = get_model_status_pb2.ModelVersionStatus.AVAILABLE
UNLOADING = get_model_status_pb2.ModelVersionStatus.UNLOADING
END = get_model_status_pb2.ModelVersionStatus.END


class Version:
    """A version that was asked for. The manager alone changes its state; requests only take and give back its model.

    Args:
        name: of the model.
        number: of the version.
        path: folder of the SavedModel.
    """

    def __init__(self, name: str, number: int, path: str) -> None:
        self.name = name
        self.number = number
        self.path = path
        self.state = START
        self.error: ServingError | None = None
        self.aspired = True
        self.attempts = 0
        self.next_attempt = 0.0
        self._model: SavedModel | None = None
        self._users = 0
        self._on_idle: Callable[[], None] | None = None
        # Held for the length of a counter's update, never while a version loads or a request runs.
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{{name: {self.name} version: {self.number}}}"

    def serve(self, model: SavedModel) -> None:
        """Makes the loaded model available to requests."""
        self._model = model
        self.state = AVAILABLE

    @contextmanager
    def use(self) -> Iterator[SavedModel | None]:
        """Holds the model for a request. It is None if the version was retired since it was looked up: look it up again."""
        with self._lock:
            model = None if self._on_idle else self._model
            self._users += model is not None
        try:
            yield model
        finally:
            if model is not None:
                self._give_back()

    def _give_back(self) -> None:
        with self._lock:
            self._users -= 1
            last = self._on_idle if self._users == 0 else None
        if last:
            last()

    def retire(self, on_idle: Callable[[], None]) -> None:
        """Takes no more requests, and calls `on_idle` once the last one is done."""
        with self._lock:
            self._on_idle = on_idle
            idle = self._users == 0
        if idle:
            on_idle()

    def unload(self) -> None:
        """Frees the model of a retired version."""
        if self._model is None:
            raise failed_precondition(f"Only a loaded version can be unloaded. Received: {self}.")
        self._model.close()
        self._model = None


@dataclass(frozen=True)
class LoadPolicy:
    """When to look for versions, and how hard to try loading one.

    Args:
        poll_seconds: between looks at the base paths; 0: only when the configuration changes; negative: never.
        threads: how many versions may load at once.
        retries: attempts after the first that failed.
        retry_seconds: between attempts.
    """

    poll_seconds: float = 1.0
    threads: int = 1
    retries: int = 5
    retry_seconds: float = 60.0


def may_load(version: Version) -> bool:
    if version.state == LOADING:
        return 0.0 < version.next_attempt <= time.monotonic()
    return version.state == START


def to_retire(versions: Iterable[Version]) -> list[Version]:
    """TensorFlow Serving's policy: the last version that serves stays until one that is asked for does."""
    aspired = [version for version in versions if version.aspired]
    leaving = sorted(
        (version for version in versions if version.state == AVAILABLE and not version.aspired),
        key=lambda version: version.number,
    )
    if not aspired or any(version.state == AVAILABLE for version in aspired):
        return leaving
    return leaving[:-1]
