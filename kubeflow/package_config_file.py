"""Reads a PackageConfig from a YAML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from kubeflow.package_config import PackageConfig


def load(path: Path) -> PackageConfig:
    """Reads a PackageConfig.

    Under `nodes`, only what differs from `steps` need be given.

    Args:
        path: A YAML file that holds the fields of PackageConfig.

    Raises:
        ValueError: The file is missing, is no YAML, lacks a field, holds an unknown one, or one of another kind. The message
            names all of them.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"The configuration must be a readable YAML file. Received: {path}: {error}") from error
    if not isinstance(content, dict):
        raise ValueError(f"The configuration must hold the fields of PackageConfig. Received: {path}, without one.")
    steps, nodes = content.get("steps"), content.get("nodes")
    if isinstance(nodes, dict):
        base = steps if isinstance(steps, dict) else {}
        content["nodes"] = {name: _merged(base, node) if isinstance(node, dict) else node for name, node in nodes.items()}
    try:
        return TypeAdapter(PackageConfig).validate_python(content)
    except ValidationError as error:
        lines = "\n".join(_line(problem) for problem in error.errors(include_url=False))
        raise ValueError(f"{path} must hold a valid configuration:\n{lines}") from error


def _merged(base: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with what `other` gives instead; groups of settings are merged in turn."""
    result = dict(base)
    for name, value in other.items():
        known = result.get(name)
        result[name] = _merged(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return result


def _line(problem: Mapping[str, Any]) -> str:
    name = ".".join(str(part) for part in problem["loc"]) or "the configuration"
    received = problem["input"]
    shown = "" if isinstance(received, dict) or problem["type"] == "missing" else f" Received: {received!r}."
    return f"  `{name}`: {problem['msg'].removeprefix('Value error, ').rstrip('.')}.{shown}"
