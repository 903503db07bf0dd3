"""A package and a cluster to run it on: the project as an image has it, a database and a volume."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.kubeflow.package_runner import Cluster
from tests.kubeflow.postgres import Server, postgres
from tests.kubeflow.webhook import Webhook, listening

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "kubeflow" / "config.yaml"
PACKAGES = ("benchmarks", "components", "data", "kubeflow", "pipeline", "serving", "settings", "trainer", "transform")


@pytest.fixture(scope="session")
def database() -> Iterator[Server]:
    """A PostgreSQL server with an empty database."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, built as a wheel and installed into a folder far from the checkout."""
    folder = tmp_path_factory.mktemp("image")
    source = folder / "source"
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "sample"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "wheel", *offline, "--wheel-dir", str(folder), str(source)], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", *offline, "--target", str(folder / "site"), str(wheel)], check=True)
    shutil.rmtree(source)
    return folder / "site"


@pytest.fixture(scope="session")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the persistent volume."""
    return tmp_path_factory.mktemp("volume")


@pytest.fixture(scope="session")
def told() -> Iterator[Webhook]:
    """Whom the package's steps tell of every run."""
    with listening() as hook:
        yield hook


@pytest.fixture(scope="session")
def cluster(
    database: Server, installed: Path, volume: Path, told: Webhook, tmp_path_factory: pytest.TempPathFactory
) -> Cluster:
    """A cluster with what the example configuration asks for, and nothing of this process's environment."""
    home = tmp_path_factory.mktemp("home")
    return Cluster(
        image_environment={
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
            "PYTHONPATH": str(installed),
            "HOME": str(home),
            "TF_USE_LEGACY_KERAS": "1",
        },
        secrets={
            "community-din-metadata": {"user": database.user, "password": database.password},
            "community-din-notification": {"webhook": told.address},
        },
        config_maps={
            "community-din-metadata": {
                "host": database.host,
                "port": str(database.port),
                "database": database.database,
            }
        },
        volumes={"community-din": volume},
        folder=home,
    )


@pytest.fixture(scope="session")
def config_file(volume: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example configuration, with its volume mounted at the folder that stands for it."""
    text = CONFIG.read_text().replace("/mnt/community-din", str(volume))
    content = yaml.safe_load(text)
    # The data is small: what a model learns from it is not asked here.
    content["run"] |= {"min_auc": 0.1, "min_gauc": 0, "max_auc_drop": 1, "max_gauc_drop": 1}
    content["run"] |= {"min_gain_over_constant": None, "min_gain_over_items": None}
    content["run"]["epochs"] = 1
    content["notification"] = {"webhook": {"secret": "community-din-notification", "key": "webhook"}, "on": "always"}
    path = tmp_path_factory.mktemp("config") / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.fixture(scope="session")
def package(config_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled package, by the command that compiles it; the one that only ingests is beside it."""
    path = tmp_path_factory.mktemp("package") / "package.yaml"
    subprocess.run(
        [sys.executable, "-m", "kubeflow.compile", "--config", str(config_file), "--output", str(path)],
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    return path
