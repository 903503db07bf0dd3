"""The package's configuration: read from YAML, checked as a whole."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubeflow.package_config_file import load
from pipeline.config import RunConfig
from tests.kubeflow.conftest import CONFIG, ROOT

Change = Callable[[dict[str, Any]], object]


def changed(folder: Path, change: Change) -> Path:
    content = yaml.safe_load(CONFIG.read_text())
    change(content)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_the_example_holds_the_defaults_of_a_local_run() -> None:
    config = load(CONFIG)
    assert config.run_config() == RunConfig(data_root=config.data_root, state_root=config.state_root)


def test_the_example_for_vertex_is_valid() -> None:
    assert load(ROOT / "kubeflow" / "vertex.yaml").state_root.startswith("gs://")


def test_a_node_gets_what_every_step_gets_but_for_what_differs(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["steps"]["retries"] = {"count": 5, "wait_seconds": 7}
        content["nodes"] = {"trainer": {"cpu": "9", "retries": {"wait_seconds": 8}}}

    config = load(changed(tmp_path, change))
    trainer = config.step("trainer")
    assert (trainer.cpu, trainer.memory, trainer.retries.count, trainer.retries.wait_seconds) == ("9", "4Gi", 5, 8)
    assert config.step("pusher") == config.steps


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("image"), "`image`: Field required"),
        (lambda c: c.update(imagine="x"), "`imagine`: Unexpected keyword argument. Received: 'x'"),
        (lambda c: c.update(data_root="/elsewhere/data"), "`data_root` must be on one of the `volumes`"),
        (lambda c: c.update(state_root="s3://bucket/state"), "`state_root` must be on gs:// or on a volume"),
        (lambda c: c.update(state_root="relative"), "`state_root`: String should match pattern"),
        (lambda c: c["steps"].update(cpu="much"), "`steps.cpu`: String should match pattern"),
        (lambda c: c["steps"].update(memory="1.5Gi"), "`steps.memory`: String should match pattern"),
        (lambda c: c["steps"]["retries"].update(count=-1), "`steps.retries.count`: Input should be greater than or equal"),
        (lambda c: c["steps"]["retries"].update(factor=1.5), "`steps.retries.factor`: Input should be a valid integer"),
        (lambda c: c["steps"]["retries"].update(wait_seconds=1000), "`lease_seconds` must be longer than the longest wait"),
        (lambda c: c["nodes"]["trainer"].update(accelerator={"type": "x"}), "TensorFlow comes without CUDA's libraries"),
        (lambda c: c["steps"].update(timeout_seconds=0), "`steps.timeout_seconds`: Input should be greater than 0"),
        (lambda c: c["metadata_store"].update(password={"value": "x"}), "`password` must come from a secret"),
        (lambda c: c["metadata_store"].update(user={"secret": "s"}), "`key` must be given with `secret`"),
        (lambda c: c["metadata_store"].update(user={}), "exactly one of `value`, `secret` and `config_map`"),
        (lambda c: c["run"].update(min_auc=2.0), "`min_auc` must be a number, at least 0 and at most 1. Received: 2.0"),
        (lambda c: c["run"].update(min_acu=0.5), "`min_acu` must be a known setting, such as `min_auc`"),
        (lambda c: c["run"].update(data_root="/x"), "`run` must not hold what stands beside it, not data_root"),
    ],
)
def test_a_wrong_configuration_is_refused_and_named(tmp_path: Path, change: Change, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        load(changed(tmp_path, change))


def test_all_errors_are_told_at_once_and_no_password(tmp_path: Path) -> None:
    def change(content: dict[str, Any]) -> None:
        content["image"] = 3
        content["steps"]["cpu"] = 4
        content["metadata_store"]["password"] = {"value": "hunter2"}

    with pytest.raises(ValueError, match="`image`") as error:
        load(changed(tmp_path, change))
    assert "`steps.cpu`" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("text", ["", "- a list", "image: [", "\x00"])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(text)
    with pytest.raises(ValueError, match="The configuration must"):
        load(path)
    with pytest.raises(ValueError, match="The configuration must be a readable YAML file"):
        load(tmp_path / "missing.yaml")
