"""A file system with renames: a version appears under its number at once, whole and on the disk."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Mapping
from typing import IO

from components.pusher.files import BLOCK, LocalFiles, file_names

# Servers pass over names that are no numbers.
STAGING = ".publishing-"
# Servers run as another user than the pipeline: what is published is readable whatever the umask, as is the way to it from
# the first folder that the pusher makes.
_FOLDER = 0o755
_FILE = 0o644


class Volume:
    """Publishes on a mounted file system. One publisher at a time: what it finds half-done, nobody is at work on."""

    files = LocalFiles()

    def prepare(self, base_path: str) -> None:
        """Makes the base path, and removes what killed publishers have left."""
        _make_folders(base_path)
        for name in os.listdir(base_path):
            if name.startswith(STAGING):
                shutil.rmtree(os.path.join(base_path, name))

    def publish(self, model: str, version: str, beside: Mapping[str, bytes]) -> None:
        """Publishes a model's folder as the folder `version`, which does not exist; `beside` are further files of it.

        Raises:
            OSError: A file could not be written, or not be brought to the disk. Nothing is published then, unless it was
                the base path's own entry that could not: a repeated call of `settle` tells.
        """
        base_path, number = os.path.split(version)
        staging = os.path.join(base_path, STAGING + number)
        try:
            _write(model, staging, beside)
            os.rename(staging, version)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise
        self.settle(version)

    def settle(self, version: str) -> None:
        """Makes sure that a published version is still there after the machine has failed."""
        _sync_folder(os.path.dirname(version))


def _write(model: str, staging: str, beside: Mapping[str, bytes]) -> None:
    _make_folders(staging)
    for name in file_names(model, Volume.files):
        with open(os.path.join(model, name), "rb") as source:
            _write_file(source, os.path.join(staging, name))
    for name, content in beside.items():
        _write_file(io.BytesIO(content), os.path.join(staging, name))
    for folder, _, _ in os.walk(staging):
        _sync_folder(folder)


def _write_file(source: IO[bytes], target: str) -> None:
    _make_folders(os.path.dirname(target))
    with open(target, "xb") as written:
        shutil.copyfileobj(source, written, BLOCK)
        written.flush()
        os.fchmod(written.fileno(), os.fstat(written.fileno()).st_mode | _FILE)
        os.fsync(written.fileno())


def _make_folders(path: str) -> None:
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    _make_folders(parent)
    os.mkdir(path)
    os.chmod(path, os.stat(path).st_mode | _FOLDER)
    _sync_folder(parent)


def _sync_folder(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
