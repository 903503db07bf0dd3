"""Versions are listed, taken back and traced."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from components.model_card.names import CARDS
from components.properties import text
from components.pusher.files import LocalFiles, digest_of_version
from components.pusher.taken_back import read_taken_back
from pipeline.retention import plan
from pipeline.retention_settings import RetentionSettings
from pipeline.rollback import EXECUTION, roll_back
from pipeline.version_lineage import print_lineage
from tests.components.pusher.killing import in_child, killed_after
from tests.pipeline.published_world import World, listed


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_the_model_before_the_served_one_is_served_again_and_is_the_baseline(world: World) -> None:
    for span, weights in enumerate("abc", start=1):
        world.run(weights, span)
    assert world.baseline() == 2
    first, second, third = world.versions
    done = roll_back(world.config, world.store, None, "it ranks badly")
    assert (done.restored, done.taken_back) == (second, (third,))
    assert world.versions == [first, second, third, done.as_version]
    assert world.content(done.as_version) == "b"
    assert world.baseline() == 1


def test_a_version_that_is_served_again_keeps_its_card_which_is_no_part_of_the_model(world: World) -> None:
    for span, weights in enumerate("ab", start=1):
        world.run(weights, span)
    root = Path(world.config.serving_root)
    first, _ = world.versions
    extra = root / str(first) / "assets.extra"
    (extra / "model_card.json").write_text("{}")
    again = root / str(roll_back(world.config, world.store, None, "").as_version)
    assert (again / "assets.extra" / "model_card.json").read_text() == "{}"
    assert digest_of_version(str(again), LocalFiles()) == digest_of_version(str(root / str(first)), LocalFiles())


def test_what_lies_between_an_earlier_version_and_the_served_one_is_taken_back_with_it(world: World) -> None:
    for span, weights in enumerate("abc", start=1):
        world.run(weights, span)
    first, second, third = world.versions
    done = roll_back(world.config, world.store, first, "")
    assert done.taken_back == (second, third)
    assert world.content(world.versions[-1]) == "a"
    assert world.baseline() == 0


def test_a_blessed_model_that_was_never_published_is_not_the_baseline_either(world: World) -> None:
    world.run("a", 1)
    world.run("b", 2)
    world.run("c", 3, blessed=True)
    roll_back(world.config, world.store, world.versions[0], "")
    assert world.baseline() == 0


def test_a_model_that_was_taken_back_is_not_published_again_nor_is_one_equal_to_it(world: World) -> None:
    world.run("a", 1)
    bad = world.run("b", 2)
    done = roll_back(world.config, world.store, None, "it ranks badly")
    versions = world.versions
    for pushed in (world.push(world.models[1]), world.run("b", 3)):
        assert "this model was taken back on 20" in text(pushed, "refused")
        assert f", as version {world.number(bad)}: it ranks badly" in text(pushed, "refused")
    assert world.versions == versions
    assert world.number(world.push(world.models[0])) == done.as_version
    assert world.number(world.run("d", 4)) > done.as_version


def test_a_rollback_is_recorded_with_its_reason_and_time(world: World) -> None:
    world.run("a", 1)
    world.run("b", 2)
    done = roll_back(world.config, world.store, None, "clicks fell\\by half")
    (execution,) = world.store.get_executions_by_type(EXECUTION)
    told = {name: value.string_value for name, value in execution.custom_properties.items()}
    assert told["time"].startswith("20")
    assert told == {
        "reason": "clicks fell\\by half",
        "time": told["time"],
        "restored": str(done.restored),
        "as_version": str(done.as_version),
        "taken_back": str(done.taken_back[0]),
    }
    record = json.loads(
        (Path(world.config.serving_root) / str(done.as_version) / "assets.extra/publication.json").read_text()
    )
    assert record["rolled_back"] == {
        "to": done.restored,
        "reason": "clicks fell\\by half",
        "taken_back": list(done.taken_back),
    }
    assert record["lineage"]["eval_span"] == "span-1"


def test_the_version_that_is_served_again_carries_its_models_card(world: World) -> None:
    world.run("a", 1)
    world.run("b", 2)
    root = Path(world.config.serving_root)
    for name in CARDS:
        (root / str(world.versions[0]) / "assets.extra" / name).write_text(f"{name} of a")
    done = roll_back(world.config, world.store, None, "it ranks badly")
    extra = root / str(done.as_version) / "assets.extra"
    assert {name: (extra / name).read_text() for name in CARDS} == {name: f"{name} of a" for name in CARDS}


def test_the_versions_tell_what_has_become_of_them(world: World) -> None:
    world.run("a", 1)
    world.run("b", 2)
    first, second = world.versions
    assert listed(world)[second].endswith("span-2 0.7000 [0.6500, 0.7500] served, baseline yes")
    roll_back(world.config, world.store, None, "it ranks badly")
    lines = listed(world)
    assert lines[first].endswith("baseline yes")
    assert lines[second].endswith("rolled back: it ranks badly yes")
    assert lines[world.versions[-1]].endswith(f"served, baseline, the model of {first} again yes")


def test_a_version_that_was_removed_is_listed_as_such(world: World) -> None:
    world.run("a", 1)
    (first,) = world.versions
    (Path(world.config.serving_root) / str(first)).rename(world.folder / "elsewhere")
    assert listed(world)[first].endswith("baseline removed")


def test_one_that_was_taken_back_by_mistake_can_be_brought_back(world: World) -> None:
    world.run("a", 1)
    world.run("b", 2)
    _, second = world.versions
    roll_back(world.config, world.store, None, "a mistake")
    done = roll_back(world.config, world.store, second, "it was not")
    assert (done.restored, done.taken_back) == (second, ())
    assert world.content(world.versions[-1]) == "b"
    assert world.baseline() == 1
    assert read_taken_back(world.config.serving_root, LocalFiles()) == {}
    assert listed(world)[second].endswith("baseline yes")


@pytest.mark.parametrize("version", [None, 7, "served"])
def test_a_version_that_cannot_be_served_again_is_refused(world: World, version: int | str | None) -> None:
    world.run("a", 1)
    wanted = world.versions[0] if version == "served" else version
    with pytest.raises(ValueError, match=r"must be .*Received: "):
        roll_back(world.config, world.store, wanted, "")  # type: ignore[arg-type]
    assert len(world.versions) == 1


def test_a_rollback_that_was_killed_is_finished_by_the_next(world: World) -> None:
    world.run("a", 1)
    world.run("b", 2)
    assert killed_after(
        lambda: roll_back(world.config, world.store, None, "bad"), "os.rename", Path(world.config.serving_root)
    )
    assert in_child(lambda: roll_back(world.config, world.store, None, "bad")) == 0
    assert [world.content(version) for version in world.versions] == ["a", "b", "a"]
    assert world.baseline() == 0
    assert len(world.store.get_executions_by_type(EXECUTION)) == 1
    assert listed(world)[world.versions[-1]].split()[1] == "span-1"


def test_what_was_taken_back_takes_no_place_among_the_versions_that_pruning_keeps(world: World) -> None:
    for span, weights in enumerate("abc", start=1):
        world.run(weights, span)
    done = roll_back(world.config, world.store, None, "")
    planned = plan(world.store, world.config.serving_root, 1, RetentionSettings(keep_versions=2, keep_runs=1, keep_spans=1))
    assert set(planned.kept_versions) == {str(done.as_version), str(done.restored)}
    assert world.models[1].id in {artifact.id for artifact in planned.kept_artifacts}


def test_a_versions_lineage_names_its_rows_and_what_was_pruned(world: World) -> None:
    world.run("a", 1)
    screen = io.StringIO()
    print_lineage(world.config, world.store, None, Console(file=screen, width=300))
    told = screen.getvalue()
    assert f"artifact {world.models[0].id}" in told
    assert "trained on span-0; judged by the next span" in told
    assert "span-0, span-1: pruned" in told
    with pytest.raises(ValueError, match="`VERSION` must be a version that was published"):
        print_lineage(world.config, world.store, 5, Console(file=screen))
