"""The cache sees code changes, and nothing else."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.fingerprint import code_fingerprint, import_closure, tree_fingerprint

ROOT = Path(__file__).parents[2]
# Imported in blocks of statements of all kinds.
NESTED = ("tried", "instead", "otherwise", "at_last", "matched")
FILES = {
    "work/__init__.py": "",
    "work/executor.py": """
import os.path
from typing import TYPE_CHECKING
from work import helper
from other.deep.module import name
if TYPE_CHECKING:
    import typed
else:
    import untyped
def late():
    from . import lazy
    try:
        import tried
    except ImportError:
        import instead
    else:
        import otherwise
    finally:
        import at_last
    match late:
        case None:
            with late:
                import matched
""",
    "work/helper.py": "from .executor import late",
    "work/lazy.py": "from ..above import name",
    "work/unrelated.py": "",
    "other/__init__.py": "import initial",
    "other/deep/__init__.py": "",
    "other/deep/module.py": "name = 1",
    "typed.py": "",
    "untyped.py": "",
    "initial.py": "",
    **{f"{name}.py": "" for name in NESTED},
}
DEEP = {"other", "other.deep", "other.deep.module", "initial"}
CLOSURE = {"work", "work.executor", "work.helper", "work.lazy", "untyped", *NESTED} | DEEP
USER_CODE = ("preprocessing_fn", "run_fn", "tuner_fn")
# Imports what each node runs, one after the other, each time as if none of the project's modules had been imported before.
IMPORT = """
import importlib, json, sys
root = sys.argv[2]
for node, modules in json.loads(sys.argv[1]).items():
    for module in modules:
        importlib.import_module(module)
    files = {name: getattr(module, "__file__", None) or "" for name, module in sys.modules.items()}
    own = [name for name, file in files.items() if file.startswith(root) and "site-packages" not in file]
    print("found", json.dumps([node, own]))
    for name in own:
        del sys.modules[name]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / "project" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "project" / name).write_text(text)
    return tmp_path / "project"


def test_the_closure_is_what_importing_and_running_can_import(project: Path) -> None:
    assert set(import_closure("work.executor", root=project)) == CLOSURE
    assert set(import_closure("other.deep.module", root=project)) == DEEP


def test_a_fingerprint_changes_with_each_file_of_the_closure_and_with_nothing_else(project: Path) -> None:
    before = code_fingerprint("work.executor", root=project)
    for name in FILES:
        module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        file = project / name
        text = file.read_text()
        file.write_text(f"{text}\nx = 1")
        assert (code_fingerprint("work.executor", root=project) != before) == (module in CLOSURE), name
        file.write_text(text)
        file.touch()
    (project / "work" / "notes.txt").write_text("no code")
    assert code_fingerprint("work.executor", root=project) == before


def test_a_fingerprint_does_not_depend_on_the_place_nor_on_the_order(project: Path, tmp_path: Path) -> None:
    before = code_fingerprint("work.executor", "initial", root=project)
    shutil.copytree(project, tmp_path / "elsewhere")
    assert code_fingerprint("initial", "work.executor", root=tmp_path / "elsewhere") == before


def test_a_new_import_changes_the_closure(project: Path) -> None:
    before = code_fingerprint("initial", root=project)
    (project / "initial.py").write_text("import typed")
    with_import = code_fingerprint("initial", root=project)
    (project / "typed.py").write_text("x = 1")
    assert len({before, with_import, code_fingerprint("initial", root=project)}) == 3


def test_a_module_that_the_project_lacks_is_an_error(project: Path) -> None:
    with pytest.raises(ModuleNotFoundError, match="must be one of the project's, in .* Received: 'work.gone'"):
        code_fingerprint("work.gone", root=project)


def test_a_tree_has_all_files(project: Path) -> None:
    before = tree_fingerprint("work", "other", root=project)
    (project / "work" / "unrelated.py").write_text("x = 1")
    assert tree_fingerprint("work", "other", root=project) != before
    assert tree_fingerprint("other", root=project) != tree_fingerprint("work", "other", root=project)


@pytest.mark.slow
def test_all_that_a_node_imports_is_in_its_fingerprint(tmp_path: Path) -> None:
    from tfx.dsl.components.base.base_component import BaseComponent
    from tfx.dsl.components.base.base_driver import BaseDriver

    from pipeline.config import RunConfig
    from pipeline.pipeline import CODE, TASKS, create_pipeline

    run: dict[str, list[str]] = {}
    for node in create_pipeline(RunConfig(data_root=str(tmp_path), state_root=str(tmp_path)), TASKS).components:
        if not isinstance(node, BaseComponent):
            continue
        functions = [node.executor_spec.class_path, *(node.exec_properties.get(name) for name in USER_CODE)]
        if BaseDriver.__module__ != node.driver_class.__module__:
            functions.append(f"{node.driver_class.__module__}.{node.driver_class.__name__}")
        run[node.id] = [function.rpartition(".")[0] for function in functions if function]
        if node.id in CODE:
            assert code_fingerprint(*CODE[node.id]) in json.dumps({k: str(v) for k, v in node.exec_properties.items()})
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, json.dumps(run), str(ROOT)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found = dict(json.loads(line.removeprefix("found ")) for line in done.stdout.splitlines() if line.startswith("found "))
    assert set(found) == set(run)
    for name, modules in found.items():
        imported = {module for module in modules if not module.startswith("__")}
        assert imported - set(import_closure(*CODE.get(name, ()))) == set(), name
    assert {name for name, modules in found.items() if modules} == set(CODE)


def test_a_file_that_the_code_reads_counts(project: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    digests = []
    for text in ("token,x\n1,0.5\n", "token,x\n1,0.25\n"):
        table.write_text(text)
        digests.append(code_fingerprint("work.executor", files={"table.csv": table}, root=project))
    assert len({code_fingerprint("work.executor", root=project), *digests}) == 3
