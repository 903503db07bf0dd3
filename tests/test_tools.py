"""Nothing is left untested in silence."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.tools import missing

TESTS = Path(__file__).parent
RULE = "PostgreSQL's server must be installed for this test \\(Debian: apt-get install postgresql\\)."


@pytest.mark.parametrize("value", ["true", "1"])
def test_in_ci_a_missing_program_is_a_failure_that_names_the_package(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", value)
    with pytest.raises(pytest.fail.Exception, match=RULE):
        missing("PostgreSQL's server", "postgresql")


@pytest.mark.parametrize("value", ["", "false", "0"])
def test_elsewhere_it_is_a_skip_that_names_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", value)
    with pytest.raises(pytest.skip.Exception, match=RULE):
        missing("PostgreSQL's server", "postgresql")


def test_no_test_is_skipped_in_another_way() -> None:
    ways = ("pytest.skip(", "mark.skip", "importorskip(", "mark.xfail", "pytest.xfail(")
    here = {Path(__file__), TESTS / "tools.py"}
    found = [path for path in TESTS.rglob("*.py") if path not in here and any(way in path.read_text() for way in ways)]
    assert found == []


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder that is the whole PATH: with apt-get, which notes what it is told, and id, which says root."""
    (tmp_path / "apt-get").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/told\n')
    (tmp_path / "id").write_text("#!/bin/sh\necho 0\n")
    for name in ("apt-get", "id", "initdb"):
        (tmp_path / name).touch()
        (tmp_path / name).chmod(0o755)
    return tmp_path


def install(commands: Path) -> subprocess.CompletedProcess[str]:
    script = ["/bin/bash", str(TESTS.parent / "scripts" / "test_tools")]
    return subprocess.run(script, env={"PATH": str(commands)}, capture_output=True, text=True, check=False)


def test_what_the_tests_use_is_installed_where_it_is_missing(commands: Path) -> None:
    assert install(commands).returncode == 0
    update, installed = (commands / "told").read_text().splitlines()
    assert update.startswith("update")
    assert installed.endswith("curl git openssl procps chromium")


def test_nothing_is_installed_where_all_is_there(commands: Path) -> None:
    for name in ("curl", "git", "openssl", "pgrep", "chromium"):
        (commands / name).touch(0o755)
    assert install(commands).returncode == 0
    assert not (commands / "told").exists()


def test_a_user_is_told_what_to_install(commands: Path) -> None:
    (commands / "id").write_text("#!/bin/sh\necho 1000\n")
    refused = install(commands)
    assert refused.returncode == 1
    assert "As root: apt-get install curl git openssl procps chromium" in refused.stderr
