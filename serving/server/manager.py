"""Loads the versions that the configuration asks for, beside those that serve, and retires what it no longer asks for.

One thread polls the base paths and decides; loads and unloads run in threads of their own. Requests read a dictionary that
is replaced as a whole, so that none ever waits for a load.
"""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from serving.server.errors import ServingError
from serving.server.saved_model import SavedModel
from serving.server.storage import Scanner
from serving.server.version import AVAILABLE, END, LOADING, START, UNLOADING, LoadPolicy, Version, may_load, to_retire

LOG = logging.getLogger(__name__)


class Manager:
    """Keeps the versions of all models.

    Args:
        load: reads a version's model and warms it up; raises ServingError.
        policy: polling and retries.
        on_death: called if the thread that decides ends by an error: what is loaded serves on, but nothing changes any more.
    """

    def __init__(
        self, load: Callable[[Version], SavedModel], policy: LoadPolicy, on_death: Callable[[], None] = lambda: None
    ) -> None:
        self._load_model = load
        self._on_death = on_death
        self._policy = policy
        self._sources: dict[str, Any] = {}
        self._versions: dict[str, dict[int, Version]] = {}
        self._available: Mapping[str, Mapping[int, Version]] = {}
        self._scanner = Scanner()
        self._changed = threading.Condition()
        self._poll_at = 0.0
        self._loading = 0
        self._stopping = False
        self._dead = False
        self._loads = ThreadPoolExecutor(policy.threads, "load")
        self._unloads = ThreadPoolExecutor(1, "unload")
        self._thread = threading.Thread(target=self._run, name="manager", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stops polling and waits for what is loading or unloading. Loaded models stay until the process ends."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._thread.join()
        self._loads.shutdown(cancel_futures=True)
        self._unloads.shutdown()

    def set_models(self, models: Mapping[str, Any]) -> None:
        """Replaces what to serve: ModelConfigs by name. Versions load and unload in the background."""
        with self._changed:
            for name in models.keys() - self._sources.keys():
                versions = self._versions.get(name, {})
                self._versions[name] = {number: version for number, version in versions.items() if version.state != END}
            self._sources = dict(models)
            self._poll_at = 0.0
            self._changed.notify_all()

    def available(self, name: str) -> Mapping[int, Version]:
        """Versions of a model that take requests, by number."""
        return self._available.get(name, {})

    def versions(self, name: str) -> list[Version]:
        """All versions of a model that ever were, newest first."""
        with self._changed:
            return [version for _, version in sorted(self._versions.get(name, {}).items(), reverse=True)]

    def wait_until_available(self, names: Iterable[str], cancelled: Callable[[], bool]) -> None:
        """Waits until each model serves a version, or has none left to try.

        Raises:
            ServingError: naming the models that did not become available, or CANCELLED.
        """
        waiting = set(names)
        failed: list[Version] = []
        with self._changed:
            while True:
                for name in sorted(waiting):
                    aspired = [version for version in self._versions.get(name, {}).values() if version.aspired]
                    if any(version.state == AVAILABLE for version in aspired):
                        waiting.discard(name)
                    elif aspired and all(version.state == END for version in aspired):
                        failed += aspired
                        waiting.discard(name)
                if not waiting:
                    break
                if self._stopping or self._dead or cancelled():
                    raise ServingError(grpc.StatusCode.CANCELLED, f"Gave up waiting for {', '.join(sorted(waiting))}")
                self._changed.wait(0.2)
        if failed:
            reasons = "".join(f"{{{version} due to error: {version.error}}}, " for version in failed)
            count = len({version.name for version in failed})
            message = f"{count} model(s) did not become available: {{{reasons}}}"
            raise ServingError(grpc.StatusCode.UNKNOWN, message)

    def _run(self) -> None:
        try:
            self._decide()
        except Exception:
            LOG.exception("The manager has died: new versions are not served until the server is started anew")
            with self._changed:
                self._dead = True
                self._changed.notify_all()
            self._on_death()

    def _decide(self) -> None:
        while True:
            with self._changed:
                sources = dict(self._sources)
                due = bool(sources) and time.monotonic() >= self._poll_at and self._policy.poll_seconds >= 0
                if due:
                    self._poll_at = time.monotonic() + (self._policy.poll_seconds or float("inf"))
            found = self._scanner.scan(sources) if due else None
            with self._changed:
                if self._stopping:
                    return
                if found is not None and sources == self._sources:
                    self._aspire(found)
                self._step()
                self._changed.wait(self._seconds_to_next_event())

    def _seconds_to_next_event(self) -> float | None:
        events = [
            version.next_attempt
            for versions in self._versions.values()
            for version in versions.values()
            if version.state == LOADING and version.next_attempt
        ]
        if self._sources and self._policy.poll_seconds >= 0:
            events.append(self._poll_at)
        soonest = min(events, default=float("inf"))
        return None if soonest == float("inf") else max(soonest - time.monotonic(), 0.0)

    def _aspire(self, found: Mapping[str, dict[int, str] | None]) -> None:
        for name in self._versions.keys() | found.keys():
            aspired = found.get(name, {})
            if aspired is None:
                continue
            versions = self._versions.setdefault(name, {})
            for number, version in versions.items():
                # A version that is already unloading must end before it can come back.
                version.aspired = (
                    number in aspired and version.state != UNLOADING and (version.aspired or version.state != END)
                )
            for number, path in aspired.items():
                known = versions.get(number)
                if known is None or (known.state == END and not known.aspired):
                    versions[number] = Version(name, number, path)

    def _step(self) -> None:
        """Does what can be done now: unloads first, then loads, the newest version first."""
        for versions in self._versions.values():
            for version in to_retire(versions.values()):
                self._retire(version)
            for version in sorted(versions.values(), key=lambda version: -version.number):
                if version.state == START and not version.aspired:
                    version.state = END
                elif version.state == LOADING and version.next_attempt and not version.aspired:
                    self._end(version, ServingError(grpc.StatusCode.CANCELLED, f"Loading {version} was cancelled"))
                elif self._loading < self._policy.threads and may_load(version):
                    version.state = LOADING
                    version.next_attempt = 0.0
                    self._loading += 1
                    self._loads.submit(self._load, version)

    def _load(self, version: Version) -> None:
        LOG.info("Loading servable version %s", version)
        error: ServingError | None = None
        try:
            model = self._load_model(version)
        except ServingError as caught:
            error = caught
        except Exception as caught:
            LOG.exception("Loading %s failed", version)
            error = ServingError(grpc.StatusCode.INTERNAL, f"{type(caught).__name__}: {caught}")
        with self._changed:
            self._loading -= 1
            if error is None:
                version.serve(model)
                self._publish()
                LOG.info("Successfully loaded servable version %s", version)
            else:
                self._failed(version, error)
            self._changed.notify_all()

    def _failed(self, version: Version, error: ServingError) -> None:
        version.attempts += 1
        if version.attempts > self._policy.retries or not version.aspired or self._stopping:
            self._end(version, error)
        else:
            version.next_attempt = time.monotonic() + self._policy.retry_seconds
            LOG.warning("Loading %s failed, trying again in %g s: %s", version, self._policy.retry_seconds, error)

    def _end(self, version: Version, error: ServingError) -> None:
        LOG.error("Loading %s failed, given up after %d attempts: %s", version, version.attempts, error)
        version.next_attempt = 0.0
        version.error = error
        version.state = END

    def _retire(self, version: Version) -> None:
        LOG.info("Unloading servable version %s", version)
        version.state = UNLOADING
        self._publish()
        version.retire(lambda: self._idle(version))

    def _idle(self, version: Version) -> None:
        if not self._stopping:
            self._unloads.submit(self._unload, version)

    def _unload(self, version: Version) -> None:
        version.unload()
        gc.collect()  # a graph refers to itself: without this it stays until the collector happens to come by
        with self._changed:
            version.state = END
            self._changed.notify_all()
        LOG.info("Done unloading servable version %s", version)

    def _publish(self) -> None:
        self._available = {
            name: {number: version for number, version in versions.items() if version.state == AVAILABLE}
            for name, versions in self._versions.items()
        }
