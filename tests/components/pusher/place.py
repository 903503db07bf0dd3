"""A model, and the folder that it is published in."""

from __future__ import annotations

import os
from pathlib import Path

from components.pusher.publication import Publication, publish
from components.pusher.volume import Volume
from serving.versions import published_versions
from tests.components.pusher.killing import contents, write_model


class Place:
    """A model and the folder it is published in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = folder / "serving" / "community-din"
        self.model = write_model(folder / "model")

    def publish(self, model: str | None = None) -> Publication:
        return publish(model or self.model, str(self.base), {"model": "the model's uri"}, Volume())

    @property
    def versions(self) -> dict[int, str]:
        return published_versions(str(self.base))

    def assert_whole_or_nothing(self) -> None:
        """What servers take for a version is one, and complete."""
        names = os.listdir(self.base) if self.base.exists() else []
        assert [int(name) for name in names if not name.startswith(".")] == list(self.versions)
        for path in self.versions.values():
            assert contents(Path(path)) == contents(Path(self.model))

    def assert_published_once(self) -> None:
        self.assert_whole_or_nothing()
        assert len(os.listdir(self.base)) == len(self.versions) == 1
