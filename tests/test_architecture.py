"""Imports point one way only; MAY_IMPORT is the picture."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT: dict[str, set[str]] = {
    "settings": set(),
    "transform": set(),
    "data": {"transform"},
    "trainer": {"settings", "transform"},
    "serving": {"transform"},
    "components": {"settings", "transform", "trainer", "serving"},
    "pipeline": {"settings", "transform", "trainer", "serving", "components"},
    "local_runner.py": {"pipeline"},
    "kubeflow": {"settings", "transform", "components", "pipeline"},
}
PROJECT = {Path(name).stem for name in MAY_IMPORT} | {"tests", "benchmarks"}


def imported_packages(file: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return {name.split(".")[0] for name in names} & PROJECT


@pytest.mark.parametrize("part", sorted(MAY_IMPORT))
def test_imports_point_one_way(part: str) -> None:
    path = ROOT / part
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert files
    for file in files:
        wrong = imported_packages(file) - MAY_IMPORT[part] - {part}
        assert not wrong, f"{file.relative_to(ROOT)} imports {sorted(wrong)}"


def test_the_declaration_needs_the_standard_library_only() -> None:
    modules = set()
    for name in ("features.py", "declaration.py", "declaration_checks.py", "kinds.py"):
        tree = ast.parse((ROOT / "transform" / name).read_text())
        modules |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    own = {"transform.declaration", "transform.declaration_checks", "transform.kinds"}
    assert modules == {"__future__", "collections.abc", "typing"} | own
