"""Publishing on a file system: which version a model becomes, once, and who can read it."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from components.pusher.volume import STAGING
from tests.components.pusher.killing import contents, in_child, write_model
from tests.components.pusher.place import Place
from tests.tools import lacking

NOBODY = 65534


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
