"""The small model and its server, shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from serving.server.process import RunningServer
from tests.serving.support import MODEL, VERSION, export_small_model, serve


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as a run leaves it under STATE_ROOT/serving: model/version."""
    root = tmp_path_factory.mktemp("models")
    export_small_model(tmp_path_factory.mktemp("transform"), root / MODEL / str(VERSION))
    return root


@pytest.fixture(scope="session")
def server(models: Path) -> Iterator[RunningServer]:
    """The embedded server, serving the small model, with the metrics of production."""
    with serve(models, "--monitoring_config_file=serving/config/monitoring.config") as server:
        yield server
