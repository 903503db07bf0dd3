"""A bucket for tests, as a file system of TFX: no folders, no renames, a file appears whole when it is closed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

from tfx.dsl.io import filesystem, filesystem_registry

SCHEME = "bucket://"


class ObjectStore(filesystem.Filesystem):
    """Keeps the objects under `root` as files. It has what the pusher uses; the rest fails."""

    SUPPORTED_SCHEMES: ClassVar[list[str]] = [SCHEME]
    root = Path()

    @classmethod
    def _path(cls, name: str) -> Path:
        return cls.root / name.removeprefix(SCHEME)

    @classmethod
    def _objects(cls, prefix: str) -> Iterator[str]:
        for path in sorted(cls.root.rglob("*")):
            name = SCHEME + str(path.relative_to(cls.root))
            if path.is_file() and not path.name.endswith(_Written.OPEN) and name.startswith(prefix.rstrip("/") + "/"):
                yield name

    @classmethod
    def open(cls, name: str, mode: str = "r") -> Any:
        return _Written(cls._path(name)) if "w" in mode else open(cls._path(name), mode)

    @classmethod
    def exists(cls, path: str) -> bool:
        return cls._path(path).is_file() or cls.isdir(path)

    @classmethod
    def isdir(cls, path: str) -> bool:
        return any(cls._objects(path))

    @classmethod
    def listdir(cls, path: str) -> list[str]:
        """The names below a prefix; as Google's storage does, those of folders with a slash behind."""
        rests = [name.removeprefix(path.rstrip("/") + "/") for name in cls._objects(path)]
        return sorted({first + slash for first, slash, _ in (rest.partition("/") for rest in rests)})

    @classmethod
    def makedirs(cls, path: str) -> None:
        """There are no folders."""

    @classmethod
    def rmtree(cls, path: str) -> None:
        for name in cls._objects(path):
            cls._path(name).unlink()

    @classmethod
    def walk(
        cls, top: str, topdown: bool = True, onerror: Callable[..., None] | None = None
    ) -> Iterator[tuple[str, list[str], list[str]]]:
        names = cls.listdir(top)
        yield top, [name.rstrip("/") for name in names if name.endswith("/")], [n for n in names if not n.endswith("/")]
        for name in names:
            if name.endswith("/"):
                yield from cls.walk(f"{top.rstrip('/')}/{name.rstrip('/')}")


class _Written:
    """A file that is being written; nobody sees it until it is closed."""

    OPEN = ".open"

    def __init__(self, path: Path) -> None:
        self._path, self._content = path, b""

    def write(self, content: str | bytes) -> None:
        self._content += content.encode() if isinstance(content, str) else content

    def __enter__(self) -> _Written:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            sending = Path(f"{self._path}{self.OPEN}")
            sending.write_bytes(self._content)
            os.rename(sending, self._path)


def use(root: Path) -> str:
    """Lets `fileio` read and write a bucket that is kept under `root`. Returns its address."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    ObjectStore.root = root
    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(ObjectStore, priority=1)
    return f"{SCHEME}models"
