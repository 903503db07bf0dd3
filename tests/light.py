"""Which tests need none of the large libraries: they run in seconds, since importing those takes most of a minute."""

from __future__ import annotations

import functools
from pathlib import Path

from pipeline.fingerprint import import_closure, imported_names

ROOT = Path(__file__).parents[1]
# What takes seconds to import, or comes with something that does.
LARGE = {
    "apache_beam",
    "keras",
    "kfp",
    "ml_metadata",
    "tensorflow",
    "tensorflow_metadata",
    "tensorflow_serving",
    "tfx",
    "tfx_bsl",
}
LARGE_PREFIX = "tensorflow_"


@functools.cache
def imports_large(file: Path) -> bool:
    """Whether a file imports one of the large libraries, anywhere but for type checkers."""
    package = ".".join(file.parent.relative_to(ROOT).parts)
    return any(name.split(".")[0] in LARGE or name.startswith(LARGE_PREFIX) for name in imported_names(file, package))


@functools.cache
def is_light(test: Path) -> bool:
    """Whether neither a test file, nor a conftest.py above it, nor what they import needs a large library."""
    folders = [folder for folder in test.parents if folder.is_relative_to(ROOT / "tests")]
    files = [test, *(folder / "conftest.py" for folder in folders if (folder / "conftest.py").exists())]
    if any(imports_large(file) for file in files):
        return False
    modules = [".".join(file.relative_to(ROOT).with_suffix("").parts) for file in files]
    return not any(imports_large(file) for file in import_closure(*modules, root=ROOT).values())
