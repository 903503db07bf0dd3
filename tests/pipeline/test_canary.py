"""Which versions have labels, and what becomes of a label."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.canary import after_rollback, promote, start_canary, waits
from pipeline.labels import Served, read_served, write_served
from pipeline.retention import plan
from pipeline.retention_settings import RetentionSettings
from pipeline.rollback import roll_back
from tests.pipeline.published_world import World, listed


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_pruning_keeps_the_versions_that_have_a_label(world: World) -> None:
    for span, weights in enumerate("abc", start=1):
        world.run(weights, span)
    first, _, third = world.versions
    write_served(world.config, Served().pointed("stable", first))
    planned = plan(world.store, world.config.serving_root, 1, RetentionSettings(keep_versions=1, keep_runs=1, keep_spans=1))
    assert set(planned.kept_versions) == {str(first), str(third)}


def test_a_canary_is_the_newest_version_beside_the_one_before(world: World) -> None:
    world.run("a", 1)
    with pytest.raises(ValueError, match="There must be a version of another model than the canary"):
        start_canary(world.config, world.store, None)
    world.run("b", 2)
    first, second = world.versions
    start_canary(world.config, world.store, None)
    assert read_served(world.config.serving_root) == Served((first, second), {"stable": first, "canary": second})
    lines = listed(world)
    assert lines[first].endswith("served, label stable yes")
    assert lines[second].endswith("baseline, label canary yes")


def test_what_is_published_under_a_canary_waits_and_is_told_to(world: World) -> None:
    world.run("a", 1)
    world.run("b", 2)
    start_canary(world.config, world.store, None)
    told = read_served(world.config.serving_root)
    third = world.number(world.run("c", 3))
    assert read_served(world.config.serving_root) == told
    assert f"stays at version {told.labels['stable']}; `make canary` tries this one" in waits(world.config, third)
    assert "the same command again" in start_canary(world.config, world.store, None)
    assert start_canary(world.config, world.store, None).endswith("`make promote` makes the canary stable.")
    assert read_served(world.config.serving_root).labels == {"stable": told.labels["stable"], "canary": third}
    promote(world.config, None)
    assert read_served(world.config.serving_root) == Served((third,), {"stable": third})
    assert waits(world.config, third) == ""


def test_a_canary_that_is_rolled_back_loses_its_label_and_the_stable_version_stays(world: World) -> None:
    world.run("a", 1)
    world.run("b", 2)
    start_canary(world.config, world.store, None)
    first, _ = world.versions
    done = roll_back(world.config, world.store, None, "it ranks badly")
    after_rollback(world.config, done.as_version, done.taken_back)
    assert read_served(world.config.serving_root) == Served((first,), {"stable": first})
    with pytest.raises(ValueError, match="There must be a canary to promote"):
        promote(world.config, None)


def test_a_stable_version_that_is_rolled_back_gives_the_label_on_once_servers_have_the_other(world: World) -> None:
    for span, weights in enumerate("abc", start=1):
        world.run(weights, span)
    start_canary(world.config, world.store, None)
    _, second, third = world.versions
    promote(world.config, None)
    done = roll_back(world.config, world.store, None, "it ranks badly")
    told = after_rollback(world.config, done.as_version, done.taken_back)
    assert f"`make promote VERSION={done.as_version}`" in told
    assert read_served(world.config.serving_root) == Served((third, done.as_version), {"stable": third})
    promote(world.config, done.as_version)
    assert read_served(world.config.serving_root) == Served((done.as_version,), {"stable": done.as_version})
    assert done.restored == second
