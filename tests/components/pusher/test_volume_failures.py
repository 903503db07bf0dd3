"""Publishing on a file system that fails, or is killed: all or nothing, on the disk before it appears."""

from __future__ import annotations

import errno
import itertools
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.pusher.volume import STAGING
from tests.components.pusher.killing import in_child, killed, killed_in_the_middle_of_a_file
from tests.components.pusher.place import Place
from tests.tools import lacking


@pytest.mark.slow
def test_a_kill_at_any_operation_publishes_all_or_nothing_and_the_retry_exactly_once(tmp_path: Path) -> None:
    seen = set()
    for operation in itertools.count():
        place = Place(tmp_path / str(operation))
        was_killed = killed(place.publish, operation)
        place.assert_whole_or_nothing()
        seen.add(len(place.versions))
        retried = place.publish()
        place.assert_published_once()
        if not was_killed:
            # The kill that is still possible is the one before the metadata is written.
            assert not retried.is_new
            break
    assert operation > 20
    assert seen == {0, 1}


def test_a_kill_in_the_middle_of_a_file_publishes_nothing(place: Place) -> None:
    assert killed_in_the_middle_of_a_file(place.publish, 100_000)
    (staging,) = place.base.iterdir()
    assert staging.name.startswith(STAGING)
    assert place.versions == {}
    assert place.publish().is_new
    place.assert_published_once()


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 kB."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "none", str(tmp_path)], capture_output=True, check=False
    )
    if mounted.returncode:
        lacking("Only root may mount a disk; the test of files that may not grow does without.")
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_an_error_and_publishes_nothing(full_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    place = Place(tmp_path_factory.mktemp("model"))
    place.base = full_disk / "serving"
    with pytest.raises(OSError, match="No space left") as error:
        place.publish()
    assert error.value.errno == errno.ENOSPC
    assert list(place.base.iterdir()) == []
    subprocess.run(["mount", "-o", "remount,size=2m", str(full_disk)], check=True)
    assert place.publish().is_new
    place.assert_published_once()


def test_a_file_that_may_not_grow_is_an_error_and_publishes_nothing(place: Place) -> None:
    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        with pytest.raises(OSError, match="File too large"):
            place.publish()

    assert in_child(limited) == 0
    assert list(place.base.iterdir()) == []


def test_what_cannot_be_brought_to_the_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call of fsync fails in turn: of files, of folders, of the base path after the version has appeared."""
    fsync = os.fsync
    place = Place(tmp_path / "counted")
    calls: list[int] = []

    def count(descriptor: int) -> None:
        calls.append(descriptor)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", count)
    place.publish()
    # Four files and the record, the four folders they are in, and the base path.
    assert len(calls) >= 10
    for failing in range(len(calls)):
        place, left = Place(tmp_path / str(failing)), iter(range(failing))

        def fail(descriptor: int, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise OSError(errno.EIO, "Input/output error")
            fsync(descriptor)

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="Input/output error"):
            place.publish()
        place.assert_whole_or_nothing()
        monkeypatch.setattr(os, "fsync", fsync)
        place.publish()
        place.assert_published_once()


class Syncs:
    """Which files and folders were brought to the disk, before and after the version got its name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.before: set[str] = set()
        self.after: set[str] = set()
        self._fsync, self._rename = os.fsync, os.rename
        monkeypatch.setattr(os, "fsync", self._synced)
        monkeypatch.setattr(os, "rename", self._renamed)

    def _synced(self, descriptor: int) -> None:
        self.after.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        self._fsync(descriptor)

    def _renamed(self, old: str, new: str) -> None:
        self.before, self.after = self.after, set()
        self._rename(old, new)


def test_a_model_is_on_the_disk_before_it_appears(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = Syncs(monkeypatch)
    published = place.publish()
    staging = place.base / f"{STAGING}{published.number}"
    tree = [Path(published.path), *Path(published.path).rglob("*")]
    assert {str(staging / path.relative_to(published.path)) for path in tree} <= syncs.before
    assert syncs.after == {str(place.base)}


def test_a_version_that_was_found_is_brought_to_the_disk_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """An attempt may have been killed between the rename and that."""
    place.publish()
    syncs = Syncs(monkeypatch)
    assert not place.publish().is_new
    assert syncs.after == {str(place.base)}
