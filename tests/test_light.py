"""Which tests `make test-unit` runs."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.light import ROOT, is_light


@pytest.mark.parametrize(
    ("file", "light"),
    [("settings/test_settings.py", True), ("data/test_synthesize.py", True), ("trainer/test_din.py", False)],
)
def test_a_test_is_light_if_nothing_that_it_imports_is_large(file: str, light: bool) -> None:
    assert is_light(ROOT / "tests" / file) == light


@pytest.mark.slow
def test_collecting_the_light_tests_imports_no_large_library() -> None:
    code = (
        "import sys, pytest; from tests.light import LARGE; "
        "status = pytest.main(['--light', '--collect-only', '-qq', 'tests']); "
        "sys.exit(status or ', '.join(LARGE & sys.modules.keys()) or 0)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
