"""Packages, a server, and the schedule's command."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kubeflow.schedule.kfp_server import KfpServer
from tests.kubeflow.schedule.running import running_server
from tests.kubeflow.schedule.schedule_command import Command
from tests.kubeflow.schedule.small_package import compile_package


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small compiled package."""
    return compile_package(tmp_path_factory.mktemp("package") / "pipeline.yaml")


@pytest.fixture
def server() -> Iterator[KfpServer]:
    """A server without anything on it."""
    with running_server() as running:
        yield running


@pytest.fixture
def schedule(server: KfpServer, package: Path, tmp_path: Path) -> Command:
    """The command, told of the server and the package."""
    return Command(server.host, package, tmp_path)
