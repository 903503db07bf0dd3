"""Publishing on a file system: whole, once, readable, whatever kills it."""

from __future__ import annotations

import errno
import itertools
import json
import os
import resource
import signal
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.pusher.publication import Publication, publish
from components.pusher.volume import STAGING, Volume
from serving.versions import published_versions
from tests.components.pusher.killing import contents, in_child, killed, killed_in_the_middle_of_a_file, write_model
from tests.tools import lacking

NOBODY = 65534


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


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_model_becomes_a_version_with_a_record(place: Place) -> None:
    published = place.publish()
    place.assert_published_once()
    assert place.versions == {published.number: published.path}
    record = json.loads((Path(published.path) / "assets.extra" / "publication.json").read_text())
    assert record["model"] == "the model's uri"
    assert record["digest"].startswith("sha256:")


def test_the_newest_version_is_found_again_and_nothing_is_published(place: Place) -> None:
    first, second = place.publish(), place.publish()
    assert (first.is_new, second.is_new) == (True, False)
    assert first.path == second.path
    place.assert_published_once()


def test_a_version_without_a_record_is_known_by_its_files(place: Place) -> None:
    write_model(place.base / "7")
    assert place.publish().number == 7


def test_an_older_model_is_published_again(place: Place) -> None:
    first = place.publish()
    other = place.publish(write_model(place.folder / "other", "other weights"))
    again = place.publish()
    assert first.number < other.number < again.number
    assert (other.again, again.again) == (None, first.number)
    assert (first.replaced_number, other.replaced_number, again.replaced_number) == (None, first.number, other.number)
    assert again.replaced["model"] == "the model's uri"


def test_a_version_that_was_removed_by_hand_is_published_anew(place: Place) -> None:
    first = place.publish()
    os.rename(first.path, place.folder / "removed")
    assert place.publish().is_new
    place.assert_published_once()


def test_models_that_differ_in_a_name_or_a_byte_are_others(place: Place) -> None:
    place.publish()
    for number, (old, new) in enumerate([("assets/topic", "assets/post"), ("saved_model.pb", None)]):
        changed = Path(write_model(place.folder / f"changed-{number}"))
        path = changed / old
        path.rename(changed / new) if new else path.write_text("grapH")
        assert place.publish(str(changed)).is_new


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


def test_what_is_published_is_readable_under_a_strict_umask(place: Place) -> None:
    """Servers run as another user. The folders that were there before keep their modes."""
    place.folder.chmod(0o700)
    before = os.umask(0o077)
    try:
        published = Path(place.publish().path)
    finally:
        os.umask(before)
    folders = [published, published / "variables", published / "assets.extra", place.base, place.base.parent]
    assert {stat.S_IMODE(path.stat().st_mode) for path in folders} == {0o755}
    assert {stat.S_IMODE(path.stat().st_mode) for path in published.rglob("*") if path.is_file()} == {0o644}
    assert stat.S_IMODE(place.folder.stat().st_mode) == 0o700


def test_another_user_reads_what_was_published_under_a_strict_umask(place: Place) -> None:
    if os.geteuid() != 0:
        lacking("Only root may become another user.")
    before = os.umask(0o077)
    try:
        published = Path(place.publish().path)
    finally:
        os.umask(before)

    def read_as_nobody() -> None:
        # As in a container, which sees this folder alone.
        os.chdir(place.base.parent)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        assert contents(published.relative_to(place.base.parent)) == model

    model = contents(Path(place.model))
    assert in_child(read_as_nobody) == 0


def test_leftovers_of_killed_publishers_are_removed(place: Place) -> None:
    write_model(place.base / f"{STAGING}1700000000")
    (place.base / "notes.txt").touch()
    published = place.publish()
    assert {path.name for path in place.base.iterdir()} == {str(published.number), "notes.txt"}


def test_a_new_version_is_newer_than_every_number_that_servers_see(place: Place) -> None:
    (place.base / "99999999999" / "variables").mkdir(parents=True)
    assert place.publish().number == 100_000_000_000


def test_no_room_for_a_newer_version_is_an_error(place: Place) -> None:
    write_model(place.base / str(2**63 - 1), "other weights")
    with pytest.raises(ValueError, match="must leave room for a newer one. Received: 9223372036854775807 in"):
        place.publish()


def test_a_folder_without_a_model_is_refused(place: Place) -> None:
    (Path(place.model) / "saved_model.pb").unlink()
    with pytest.raises(ValueError, match=r"must hold a saved_model\.pb to be published\. Received: .*model, without one"):
        place.publish()
    assert not place.base.exists()
