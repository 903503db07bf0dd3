"""Builds a kustomization as kustomize does, as far as ours go; what it does not know is an error.

The manifests are so checked everywhere. Where kustomize is installed, a test compares the two.
"""

from __future__ import annotations

import base64
import copy
import itertools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]


def build(folder: Path) -> list[Json]:
    """The resources of a kustomization, its config maps named without the hashes of their content that kustomize appends.

    Raises:
        ValueError: It holds something that is not known here.
    """
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    if (kustomization.pop("apiVersion"), kustomization.pop("kind")) != ("kustomize.config.k8s.io/v1beta1", "Kustomization"):
        raise ValueError(f"{folder} must hold a Kustomization of v1beta1.")
    resources = list(_resources(folder, kustomization.pop("resources", [])))
    for key, kind, content in (
        ("configMapGenerator", "ConfigMap", _plain),
        ("secretGenerator", "Secret", _encoded),
    ):
        resources += [_generated(folder, dict(item), kind, content) for item in kustomization.pop(key, [])]
    _known(kustomization.pop("generatorOptions", {}), "disableNameSuffixHash")
    for patch in kustomization.pop("patches", []):
        _patch(resources, **patch)
    for image in kustomization.pop("images", []):
        _known(image, "name", "newTag")
        _set_tag(resources, image["name"], image["newTag"])
    for labels in kustomization.pop("labels", []):
        _known(labels, "pairs")
        for resource in resources:
            resource["metadata"].setdefault("labels", {}).update(labels["pairs"])
    namespace = kustomization.pop("namespace", None)
    if namespace is not None:
        for resource in resources:
            _move(resource, namespace)
    _known(kustomization)
    return resources


def _known(given: Mapping[str, Any], *names: str) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(f"A kustomization must hold what is known here. Received: {', '.join(unknown)}.")


def _resources(folder: Path, names: list[str]) -> Iterator[Json]:
    for name in names:
        path = folder / name
        yield from build(path) if path.is_dir() else yaml.safe_load_all(path.read_text())


def _generated(folder: Path, item: Json, kind: str, content: Callable[[str], str]) -> Json:
    data = dict(text.split("=", 1) for text in item.pop("literals", []))
    data |= {name: (folder / name).read_text() for name in item.pop("files", [])}
    for name in item.pop("envs", []):
        lines = [line for line in (folder / name).read_text().splitlines() if line and not line.startswith("#")]
        data |= dict(line.split("=", 1) for line in lines)
    resource = {"apiVersion": "v1", "kind": kind, "metadata": {"name": item.pop("name")}}
    _known(item)
    typed = {"type": "Opaque"} if kind == "Secret" else {}
    return {**resource, **typed, "data": {key: content(value) for key, value in data.items()}}


def _plain(text: str) -> str:
    return text


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _patch(resources: list[Json], target: Mapping[str, str], patch: str) -> None:
    _known(target, "kind", "name")
    chosen = [
        resource
        for resource in resources
        if resource["kind"] == target["kind"] and target.get("name") in (None, resource["metadata"]["name"])
    ]
    if not chosen:
        raise ValueError(f"A patch must have a target. Received: {target}.")
    for resource, operation in itertools.product(chosen, yaml.safe_load(patch)):
        _apply(resource, operation)


def _apply(resource: Json, operation: Json) -> None:
    *parents, last = operation["path"].removeprefix("/").split("/")
    place = resource
    for name in parents:
        place = place[name]
    if operation["op"] not in ("add", "replace") or (operation["op"] == "replace") != (last in place):
        raise ValueError(f"A patch must add what is not there, or replace what is. Received: {operation}.")
    place[last] = copy.deepcopy(operation["value"])


def _set_tag(resources: list[Json], name: str, tag: str) -> None:
    for resource in resources:
        pod = resource.get("spec", {}).get("template", {}).get("spec", {})
        for container in [*pod.get("initContainers", []), *pod.get("containers", [])]:
            if container["image"].rsplit(":", 1)[0] == name:
                container["image"] = f"{name}:{tag}"


def _move(resource: Json, namespace: str) -> None:
    resource["metadata"]["namespace"] = namespace
    for subject in resource.get("subjects", []):
        if subject["kind"] == "ServiceAccount":
            subject["namespace"] = namespace
