"""Fingerprints of source code, so that TFX's cache sees when the code behind a node has changed, and nothing else."""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline.config import REPOSITORY


def code_fingerprint(*modules: str, files: Mapping[str, Path] | None = None, root: Path = REPOSITORY) -> str:
    """A digest of the named modules and of all modules of the project that they import, at any depth.

    Args:
        modules: Importable names, such as `components.dataset.executor`.
        files: Other files that they read, by name.
        root: The project's folder. What is not found there is not the project's, and belongs to the environment.

    Raises:
        ModuleNotFoundError: The project has no such module.
    """
    return _digest({**import_closure(*modules, root=root), **(files or {})})


def tree_fingerprint(*folders: str, root: Path = REPOSITORY) -> str:
    """A digest of all Python files in the named folders under `root`."""
    files = (file for folder in folders for file in (root / folder).rglob("*.py"))
    return _digest({file.relative_to(root).as_posix(): file for file in files})


def import_closure(*modules: str, root: Path = REPOSITORY) -> dict[str, Path]:
    """The files of the named modules and of all that they import, by module: read, not run.

    Imports within functions count, those for type checkers alone do not. A package's `__init__` runs, and counts, with each
    of its modules.

    Raises:
        ModuleNotFoundError: The project has no such module.
    """
    for module in modules:
        if _file(module, root) is None:
            raise ModuleNotFoundError(f"A module must be one of the project's, in {root}. Received: {module!r}.")
    own = {path.stem for path in root.iterdir()}
    closure: dict[str, Path] = {}
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        # Most that is imported is not the project's: that is known without a look at the disk.
        if module in seen or module.split(".")[0] not in own:
            continue
        seen.add(module)
        if (file := _file(module, root)) is not None:
            closure[module] = file
            parent = module.rpartition(".")[0]
            waiting += [parent, *imported_names(file, parent if file.name != _INIT else module)]
    return closure


def imported_names(file: Path, package: str) -> tuple[str, ...]:
    """What a file in `package` imports when it runs, as far as it can be a module: `from a import b` gives `a` and `a.b`."""
    return _imported_names(file, file.stat().st_mtime_ns, package)


_INIT = "__init__.py"


def _file(module: str, root: Path) -> Path | None:
    path = root.joinpath(*module.split("."))
    return next((file for file in (path / _INIT, path.with_suffix(".py")) if file.is_file()), None)


@functools.lru_cache(maxsize=1024)
def _imported_names(file: Path, changed: int, package: str) -> tuple[str, ...]:
    del changed  # It is part of the cache's key only.
    return tuple(_imported(ast.parse(file.read_bytes()), package))


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*above, base] if base else above)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)
    for child in _run(node):
        yield from _imported(child, package)


def _run(node: ast.AST) -> Iterable[ast.AST]:
    """The statements within a node, without those that only type checkers look at."""
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
        return node.orelse
    within = (ast.stmt, ast.excepthandler, ast.match_case)
    return (child for child in ast.iter_child_nodes(node) if isinstance(child, within))


def _digest(files: Mapping[str, Path]) -> str:
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        digest.update(name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]
