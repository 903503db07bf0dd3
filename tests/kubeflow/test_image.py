"""What can be said of the image without building it; scripts/check_image carries its steps out."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
STAGES = DOCKERFILE.split("\nFROM ")[1:]


def test_the_packages_are_the_locks_and_checked_by_hash() -> None:
    assert "--require-hashes --requirement requirements.lock" in STAGES[0]
    assert "--no-index /wheels/*.whl" in STAGES[1]


def test_steps_do_not_run_as_root_and_as_the_user_that_the_volume_is_for() -> None:
    (user,) = re.findall(r"^USER (\d+):\1$", STAGES[1], re.MULTILINE)
    job = yaml.safe_load((ROOT / "kubeflow" / "manifests" / "base" / "volume-folders.yaml").read_text())
    command = job["spec"]["template"]["spec"]["containers"][0]["command"]
    assert f"--owner={user}" in command
    assert f"useradd --uid {user}" in STAGES[1]
    assert int(user) > 0


def test_keras_2_and_bytecode_are_left_alone() -> None:
    assert "TF_USE_LEGACY_KERAS=" not in DOCKERFILE
    assert "PYTHONDONTWRITEBYTECODE" not in DOCKERFILE
    assert "--no-compile" not in DOCKERFILE


def test_the_context_holds_what_the_wheel_is_built_from_and_no_more() -> None:
    patterns = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert patterns[0] == "*"
    kept = {pattern[1:].rstrip("/") for pattern in patterns if pattern.startswith("!")}
    assert all((ROOT / name).exists() for name in kept)
    packages = {"components", "data", "kubeflow", "pipeline", "serving", "settings", "trainer", "transform"}
    assert kept == packages | {"LICENSE", "README.md", "pyproject.toml", "requirements.lock"}


def test_no_address_of_a_registry_is_in_it() -> None:
    assert not re.search(r"index-url|https?://|(?<!REGISTRY)/[\w.-]+:\d", DOCKERFILE)
