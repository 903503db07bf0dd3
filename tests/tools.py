"""What tests need beside the locked environment."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str, package: str) -> NoReturn:
    """Ends a test that lacks a program: skips it, but fails it in CI (the variable CI), where a skip would stay unseen.

    Args:
        what: What the test lacks.
        package: The Debian package that has it.
    """
    lacking(f"{what} must be installed for this test (Debian: apt-get install {package}).")


def lacking(message: str) -> NoReturn:
    """Ends a test that cannot run on this machine, as `missing` does.

    Args:
        message: What the machine lacks, a sentence.
    """
    if os.environ.get("CI", "").lower() not in ("", "0", "false"):
        pytest.fail(message, pytrace=False)
    pytest.skip(message)
