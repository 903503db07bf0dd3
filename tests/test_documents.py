"""What the documents name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.test_architecture import MAY_IMPORT

ROOT = Path(__file__).parents[1]
DOCUMENTS = ("CONTRIBUTING.md", "docs/ARCHITECTURE.md", "README.md")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_a_document_names_are_there(document: str) -> None:
    text = (ROOT / document).read_text()
    named = re.findall(r"`((?:[a-z_]+/)+[a-z_0-9.]*)`", text)
    rooms = {part.split(".")[0] for part in MAY_IMPORT} | {"tests", "benchmarks", "scripts"}
    files = [name for name in named if name.split("/")[0] in rooms]
    assert files
    assert [name for name in files if not (ROOT / name).exists()] == []
    linked = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in linked if not (ROOT / document).parent.joinpath(link).exists()] == []


def test_the_picture_of_the_rooms_is_that_of_the_imports() -> None:
    drawn = re.findall(r"^  ([\w.]+) --> (.+)$", (ROOT / "docs" / "ARCHITECTURE.md").read_text(), re.MULTILINE)
    assert {room: set(targets.split(" & ")) for room, targets in drawn} == {k: v for k, v in MAY_IMPORT.items() if v}


def test_the_table_of_components_has_a_line_for_each_file_and_folder() -> None:
    room = ROOT / "components"
    there = {
        f"{path.name}/" if path.is_dir() else path.name
        for path in room.iterdir()
        if not path.name.startswith("__") and (path.suffix == ".py" or (path / "__init__.py").exists())
    }
    lines = re.findall(r"^\| `([a-z_./]+)` \|", (room / "README.md").read_text(), re.MULTILINE)
    assert sorted(lines) == sorted(there)


def test_a_component_in_a_folder_is_cut_as_the_others() -> None:
    for package in (ROOT / "components").glob("*/__init__.py"):
        names = {file.name for file in package.parent.iterdir()}
        assert {"component.py", "executor.py"} <= names, package.parent
