"""A bucket, through TFX's file systems: no renames, and a file is there once it is closed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from tfx.dsl.io import fileio

from components.pusher.files import EXTRA, RECORD, file_names
from serving.versions import SAVED_MODEL, version_number


class Bucket:
    """Publishes with the record first and the saved_model.pb last, by which a version is one.

    A server that looks in between finds a version that it cannot load yet; TensorFlow Serving tries again for five minutes.
    One publisher at a time: what it finds half-done, nobody is at work on.
    """

    files = fileio

    def prepare(self, base_path: str) -> None:
        """Removes what killed publishers have left: records without a saved_model.pb."""
        for name in fileio.listdir(base_path) if fileio.isdir(base_path) else ():
            path = os.path.join(base_path, name.rstrip("/"))
            is_open = version_number(name) is not None and not fileio.exists(os.path.join(path, SAVED_MODEL))
            if is_open and fileio.exists(os.path.join(path, RECORD)):
                fileio.rmtree(path)

    def publish(self, model: str, version: str, beside: Mapping[str, bytes]) -> None:
        """Publishes a model's folder as the folder `version`, which does not exist. Errors leave what `prepare` removes."""
        fileio.makedirs(os.path.join(version, EXTRA))
        # The record first: by it `prepare` knows what is half-done.
        for name in sorted(beside, key=lambda name: name != RECORD):
            with fileio.open(os.path.join(version, name), "wb") as written:
                written.write(beside[name])
        for name in file_names(model, self.files):
            target = os.path.join(version, name)
            fileio.makedirs(os.path.dirname(target))
            fileio.copy(os.path.join(model, name), target, overwrite=True)

    def settle(self, version: str) -> None:
        """Nothing: what is closed is kept."""
