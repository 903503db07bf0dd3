"""How the tests are dealt out to processes (`pytest -n 2 --dist loadgroup --no-loadscope-reorder`).

A group stays in one process: the tests of a folder share models, servers and packages that take long to make. The longest
groups come first, so that no process is left alone with one at the end.
"""

from __future__ import annotations

from pathlib import Path

import pytest

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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts each test into its group, and the longest groups first."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group_of(item.path)))
    items.sort(key=lambda item: rank_of(group_of(item.path)))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--light", action="store_true", help="only tests that need none of the large libraries: seconds")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --light, neither collects nor imports what is not light, nor folders without any light test."""
    if not config.getoption("light"):
        return None
    files = collection_path.rglob("test_*.py") if collection_path.is_dir() else [collection_path]
    return True if not any(is_light(file) for file in files if file.name.startswith("test_")) else None
