"""The files of models and versions, on this machine or in a bucket."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from typing import IO, Any, Protocol

from components.model_card.names import CARDS
from serving import versions

# Beside the model's own further assets; servers read none but the warm-up requests there.
EXTRA = "assets.extra"
RECORD = os.path.join(EXTRA, "publication.json")
# What the pusher lays there itself: no part of the model.
_LAID = (RECORD, *(os.path.join(EXTRA, name) for name in CARDS))
DIGEST = "digest"
BLOCK = 1 << 20


class Files(versions.Files, Protocol):
    """A file system to read from; the module `tfx.dsl.io.fileio` is one."""

    def open(self, name: str, mode: str, /) -> IO[Any]: ...

    def walk(self, top: str, /) -> Iterator[tuple[str, list[str], list[str]]]: ...


class LocalFiles:
    """This machine's files; directories that cannot be read are errors."""

    exists = staticmethod(os.path.exists)
    isdir = staticmethod(os.path.isdir)

    def listdir(self, path: str, /) -> Iterable[str]:
        return os.listdir(path)

    def open(self, name: str, mode: str, /) -> IO[Any]:
        return open(name, mode)

    def walk(self, top: str, /) -> Iterator[tuple[str, list[str], list[str]]]:
        return os.walk(top, onerror=_raise)


def file_names(folder: str, files: Files) -> list[str]:
    """The files of a model, relative to its folder, sorted: all but what the pusher lays there, and the
    saved_model.pb last.
    """
    names = [
        os.path.relpath(os.path.join(parent, name), folder) for parent, _, found in files.walk(folder) for name in found
    ]
    return sorted((name for name in names if name not in _LAID), key=lambda name: (name == versions.SAVED_MODEL, name))


def digest(folder: str, files: Files) -> str:
    """A digest of a model's files, their names and contents."""
    whole = hashlib.sha256()
    for name in file_names(folder, files):
        content = hashlib.sha256()
        with files.open(os.path.join(folder, name), "rb") as source:
            while block := source.read(BLOCK):
                content.update(block)
        whole.update(f"{name}\0{content.hexdigest()}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def to_json(record: Mapping[str, Any]) -> str:
    """A record as it is kept."""
    return json.dumps(record, indent=1, sort_keys=True) + "\n"


def laid(record: Mapping[str, Any], cards: Mapping[str, bytes]) -> dict[str, bytes]:
    """What is laid into a version beside the model, by its place there: the cards, and the record."""
    return {**{os.path.join(EXTRA, name): content for name, content in cards.items()}, RECORD: to_json(record).encode()}


def kept_cards(version: str, files: Files) -> dict[str, bytes]:
    """What a published version has of its model card, by name; nothing in one of an earlier release."""
    cards = {}
    for name in CARDS:
        path = os.path.join(version, EXTRA, name)
        if files.exists(path):
            with files.open(path, "rb") as source:
                cards[name] = source.read()
    return cards


def read_record(version: str, files: Files) -> dict[str, Any]:
    """What is kept of a published version; empty if it was not published by this pusher, or cannot be understood."""
    path = os.path.join(version, RECORD)
    if not files.exists(path):
        return {}
    with files.open(path, "rb") as source:
        content = source.read()
    try:
        record = json.loads(content)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def digest_of_version(version: str, files: Files) -> str:
    """The digest of a published version's files: as it is recorded, or computed where it is not."""
    recorded = read_record(version, files).get(DIGEST)
    return recorded if isinstance(recorded, str) else digest(version, files)


def _raise(error: OSError) -> None:
    raise error
