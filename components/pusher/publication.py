"""Publishes a model: as a new version, unless the newest one is this very model."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol

from components.pusher.files import DIGEST, Files, digest, digest_of_version, laid, read_record
from components.pusher.taken_back import TakenBackError, read_taken_back
from serving.versions import SAVED_MODEL, published_versions, version_number


class Destination(Protocol):
    """Where versions are published: `volume.Volume`, or `bucket.Bucket`."""

    @property
    def files(self) -> Files: ...

    def prepare(self, base_path: str) -> None: ...

    def publish(self, model: str, version: str, beside: Mapping[str, bytes]) -> None: ...

    def settle(self, version: str) -> None: ...


@dataclasses.dataclass(frozen=True)
class Publication:
    """The version that a model is.

    Args:
        path: Its folder.
        number: Its number.
        is_new: Whether it has been published now; False if it was the newest version already.
        again: An older version that is this very model; None if there is none.
        replaced: The record of the version that it took the place of; empty if there was none, or it has no record.
        replaced_number: The number of that version; None if there was none.
    """

    path: str
    number: int
    is_new: bool
    again: int | None = None
    replaced: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    replaced_number: int | None = None


def publish(
    model: str,
    base_path: str,
    record: Mapping[str, Any],
    destination: Destination,
    cards: Mapping[str, bytes] = MappingProxyType({}),
) -> Publication:
    """Makes a model the newest version.

    What is served afterwards is this model: if the newest version already is, as when an earlier attempt was killed after it
    had published, nothing is written; if an older one is, the model is published again. Models are told apart by their
    files.

    Args:
        model: The folder of a SavedModel.
        base_path: The folder that holds a sub-folder for each version.
        record: What is kept with the version, as JSON.
        destination: How versions are written there.
        cards: Further files that are kept with the version, by name.

    Raises:
        TakenBackError: The model was taken back.
        ValueError: `model` holds no saved_model.pb, or the base path no room for a newer number.
        OSError: A file could not be read or written. Then no version has appeared, or one that the next call finds.
    """
    files = destination.files
    if not files.exists(os.path.join(model, SAVED_MODEL)):
        raise ValueError(f"A model must hold a {SAVED_MODEL} to be published. Received: {model}, without one.")
    destination.prepare(base_path)
    found = published_versions(base_path, files)
    wanted = digest(model, files)
    if taken_back := read_taken_back(base_path, files).get(wanted):
        raise TakenBackError(taken_back)
    same = [number for number, path in found.items() if digest_of_version(path, files) == wanted]
    newest = max(found, default=None)
    if newest is not None and newest in same:
        destination.settle(found[newest])
        return Publication(found[newest], newest, is_new=False)
    number = _next_number(base_path, files)
    path = os.path.join(base_path, str(number))
    destination.publish(model, path, laid({**record, DIGEST: wanted}, cards))
    replaced = {} if newest is None else read_record(found[newest], files)
    return Publication(path, number, True, max(same, default=None), replaced, newest)


def _next_number(base_path: str, files: Files) -> int:
    """The time in seconds, or more where something newer is there: also a folder that is no version is tried by servers."""
    names = files.listdir(base_path) if files.isdir(base_path) else ()
    number = max([int(time.time()), *(taken + 1 for name in names if (taken := version_number(name)) is not None)])
    if version_number(str(number)) is None:
        raise ValueError(f"The names of versions must leave room for a newer one. Received: {number - 1} in {base_path}.")
    return number
