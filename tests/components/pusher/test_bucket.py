"""Publishing in a bucket, where nothing can be renamed."""

from __future__ import annotations

import itertools
import os
from pathlib import Path

import pytest
from tfx.dsl.io import fileio

from components.pusher.bucket import Bucket
from components.pusher.publication import Publication, publish
from serving.versions import published_versions
from tests.components.pusher.killing import contents, killed, write_model
from tests.components.pusher.object_store import ObjectStore, use


class Place:
    """A model and the bucket it is published in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.base = use(folder / "bucket")
        self.model = write_model(folder / "model")

    def publish(self, model: str | None = None) -> Publication:
        return publish(model or self.model, self.base, {"model": "uri"}, Bucket())

    @property
    def versions(self) -> dict[int, str]:
        return published_versions(self.base, fileio)

    def assert_complete(self) -> None:
        for number in self.versions:
            assert contents(ObjectStore.root / "models" / str(number)) == contents(Path(self.model))

    def assert_published_once(self) -> None:
        self.assert_complete()
        assert [f"{number}/" for number in self.versions] == fileio.listdir(self.base)
        assert len(self.versions) == 1


def test_a_model_becomes_a_version_once(tmp_path: Path) -> None:
    place = Place(tmp_path)
    first, second = place.publish(), place.publish()
    assert (first.is_new, second.is_new) == (True, False)
    place.assert_published_once()


def test_a_kill_at_any_operation_leaves_no_half_version_and_the_retry_publishes_exactly_once(tmp_path: Path) -> None:
    seen = set()
    for operation in itertools.count():
        place = Place(tmp_path / str(operation))
        was_killed = killed(place.publish, operation)
        place.assert_complete()
        # What the killed one has written, and whether it is a version.
        seen.add((bool(fileio.isdir(place.base)), len(place.versions)))
        place.publish()
        place.assert_published_once()
        if not was_killed:
            break
    assert seen == {(False, 0), (True, 0), (True, 1)}


def test_folders_that_others_have_left_are_not_removed(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with fileio.open(os.path.join(place.base, "5", "variables", "index"), "w") as written:
        written.write("of a copy that somebody else has begun")
    published = place.publish()
    assert fileio.listdir(place.base) == [f"{published.number}/", "5/"]


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = Place(tmp_path)
    opened = ObjectStore.open

    def fail(name: str, mode: str = "r") -> object:
        if "w" in mode and name.endswith("saved_model.pb"):
            raise OSError("quota exceeded")
        return opened(name, mode)

    monkeypatch.setattr(ObjectStore, "open", fail)
    with pytest.raises(OSError, match="quota exceeded"):
        place.publish()
    assert place.versions == {}
    monkeypatch.undo()
    place.publish()
    place.assert_published_once()
