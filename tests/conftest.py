"""How the tests are dealt out to processes (`pytest -n 2 --dist loadscope --no-loadscope-reorder`).

A group stays in one process: the tests of a folder share models, servers and packages that take long to make. The longest
groups come first, so that no process is left alone with one at the end.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.light import is_light

TESTS = Path(__file__).parent
# Files of these folders share nothing, and are long: each is a group of its own.
ALONE = ("end_to_end",)
LONGEST = ("kubeflow", "end_to_end/test_daily_runs.py", "end_to_end/test_pipeline.py", "trainer", "end_to_end", "serving")


def group_of(path: Path) -> str:
    """The group of a test file: its folder, or itself."""
    relative = path.relative_to(TESTS)
    return str(relative if relative.parts[0] in ALONE else relative.parent)


def rank_of(group: str) -> int:
    """The place of a group among those that take long; those that do not come behind."""
    found = [place for place, name in enumerate(LONGEST) if group == name or group.startswith(f"{name}/")]
    return min(found, default=len(LONGEST))


class GroupScheduling(LoadScopeScheduling):
    """Sends the tests of a group to one process.

    Not by xdist's own `loadgroup`: its marks no longer reach the ids by which it groups (pytest-xdist 3.8 with pytest 9.2).
    """

    def _split_scope(self, nodeid: str) -> str:
        return group_of(TESTS.parent / nodeid.split("::")[0])


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> GroupScheduling:
    return GroupScheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest groups first."""
    items.sort(key=lambda item: rank_of(group_of(item.path)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--light", action="store_true", help="only tests that need none of the large libraries: seconds")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --light, neither collects nor imports what is not light, nor folders without any light test."""
    if not config.getoption("light"):
        return None
    files = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    return True if not any(is_light(file) for file in files if file.name.startswith("test_")) else None
