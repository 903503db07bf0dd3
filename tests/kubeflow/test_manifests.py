"""The manifests fit Kubernetes' schemas, one another, and what the compiled package and the image expect."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "kubeflow" / "manifests"
BASE, EXAMPLE = MANIFESTS / "base", MANIFESTS / "overlays" / "example"
# The oldest Kubernetes that is still supported somewhere, and the newest that there are schemas for.
VERSIONS = ("1.30", kubernetes_validate.latest_version())

Json = dict[str, Any]


def resources() -> list[Json]:
    files = sorted(set(BASE.glob("*.yaml")) - {BASE / "kustomization.yaml"})
    return [resource for file in files for resource in yaml.safe_load_all(file.read_text())]


def of_kind(kind: str, name: str | None = None) -> Json:
    (found,) = (
        resource for resource in resources() if resource["kind"] == kind and name in (None, resource["metadata"]["name"])
    )
    return found


def kustomizations() -> Iterator[tuple[Path, Json]]:
    for folder in (BASE, EXAMPLE, ROOT / "serving" / "config"):
        yield folder, yaml.safe_load((folder / "kustomization.yaml").read_text())


def env_names(file: Path) -> set[str]:
    return {line.split("=")[0] for line in file.read_text().splitlines() if not line.startswith("#")}


def generated() -> dict[tuple[str, str], set[str]]:
    """The keys of the config maps and secrets that the overlay makes."""
    overlay = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text())
    keys = {
        ("config_map", item["name"]): {text.split("=")[0] for text in item["literals"]}
        for item in overlay["configMapGenerator"]
    }
    for item in overlay["secretGenerator"]:
        keys["secret", item["name"]] = {name for env in item["envs"] for name in env_names(EXAMPLE / f"{env}.example")}
    return keys


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("resource", resources(), ids=lambda item: f"{item['kind']}-{item['metadata']['name']}")
def test_resources_fit_the_schemas_of_kubernetes(resource: Json, version: str) -> None:
    kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_an_unknown_field_does_not_fit(version: str) -> None:
    deployment = of_kind("Deployment")
    deployment["spec"]["template"]["spec"]["container"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, version, strict=True)


def test_kustomizations_name_what_is_there_and_leave_nothing_out() -> None:
    for folder, kustomization in kustomizations():
        for resource in kustomization.get("resources", []):
            path = folder / resource
            assert path.is_file() or (path / "kustomization.yaml").is_file(), path
        for generator in kustomization.get("configMapGenerator", []):
            assert all((folder / file).is_file() for file in generator.get("files", []))
    named = set(yaml.safe_load((BASE / "kustomization.yaml").read_text())["resources"])
    assert {file.name for file in BASE.glob("*.yaml")} - named == {"kustomization.yaml"}
    config = ROOT / "serving" / "config"
    (generator,) = yaml.safe_load((config / "kustomization.yaml").read_text())["configMapGenerator"]
    assert set(generator["files"]) == {file.name for file in config.glob("*.config")}


def test_names_within_the_manifests_meet() -> None:
    pod = of_kind("Deployment")["spec"]["template"]
    container = pod["spec"]["containers"][0]
    labels, ports = pod["metadata"]["labels"], {port["name"] for port in container["ports"]}
    service, policy = of_kind("Service"), of_kind("NetworkPolicy", "community-din-serving")
    selectors = [
        of_kind("Deployment")["spec"]["selector"]["matchLabels"],
        service["spec"]["selector"],
        of_kind("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        policy["spec"]["podSelector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector.items() <= labels.items()
    assert {port["targetPort"] for port in service["spec"]["ports"]} == ports
    # Headless: its name has the address of each pod, among which clients take turns.
    assert service["spec"]["clusterIP"] == "None"
    assert {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]} == ports
    assert of_kind("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"] == of_kind("Deployment")["metadata"]["name"]
    accounts = {item["metadata"]["name"] for item in resources() if item["kind"] == "ServiceAccount"}
    assert pod["spec"]["serviceAccountName"] in accounts
    assert of_kind("RoleBinding")["subjects"][0]["name"] in accounts
    claim = of_kind("PersistentVolumeClaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    volumes = pod["spec"]["volumes"] + of_kind("Job")["spec"]["template"]["spec"]["volumes"]
    claims = {item["persistentVolumeClaim"]["claimName"] for item in volumes if "persistentVolumeClaim" in item}
    assert claims == {claim["metadata"]["name"]}


def test_the_model_server_reads_the_models_and_can_change_nothing() -> None:
    spec = of_kind("Deployment")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["models"]["readOnly"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not spec["automountServiceAccountToken"]


def test_the_role_grants_only_named_verbs() -> None:
    for rule in of_kind("Role")["rules"]:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        if rule["resources"][0] in ("secrets", "configmaps"):
            assert rule["resourceNames"]


def test_the_model_server_is_that_of_docker_compose() -> None:
    compose = yaml.safe_load((ROOT / "serving" / "docker-compose.yaml").read_text())["services"]["serving"]
    (container,) = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    assert compose["image"] == f"${{SERVING_IMAGE:-{container['image']}}}"
    assert container["command"] == compose["entrypoint"]
    assert container["args"] == compose["command"]


def test_what_the_package_asks_for_is_there() -> None:
    """kubeflow/config.yaml names the claim, config maps, secrets and the service account that steps get."""
    text = (ROOT / "kubeflow" / "config.yaml").read_text()
    config = yaml.safe_load(text)
    keys = generated()
    asked = re.findall(r"\{(config_map|secret): ([\w-]+), key: (\w+)\}", text)
    assert {name for _, name, _ in asked} == {name for _, name in keys}
    for kind, name, key in asked:
        assert key in keys[kind, name]
    assert [volume["claim"] for volume in config["volumes"]] == [of_kind("PersistentVolumeClaim")["metadata"]["name"]]
    assert config["service_account"] == of_kind("RoleBinding")["subjects"][0]["name"]
    folders = of_kind("Job")["spec"]["template"]["spec"]["containers"][0]
    assert {config["data_root"], config["state_root"], f"{config['state_root']}/serving"} <= set(folders["args"])
    assert config["image"].rsplit(":", 1)[0] == folders["image"]
    (container,) = of_kind("Deployment")["spec"]["template"]["spec"]["containers"]
    sub_path = next(mount["subPath"] for mount in container["volumeMounts"] if mount["name"] == "models")
    assert f"{config['volumes'][0]['mount_path']}/{sub_path}" == f"{config['state_root']}/serving"


def test_examples_of_secrets_hold_no_values_and_git_ignores_the_real_ones() -> None:
    for file in EXAMPLE.glob("*.example"):
        assert all(line.startswith("#") or line.endswith("=") for line in file.read_text().splitlines())
        real = file.with_suffix("")
        assert subprocess.run(["git", "check-ignore", "--quiet", str(real)], cwd=ROOT, check=False).returncode == 0


@pytest.mark.skipif(shutil.which("kustomize") is None, reason="kustomize is not installed")
def test_kustomize_builds_the_example(tmp_path: Path) -> None:
    for folder in ("kubeflow/manifests", "serving/config"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    example = tmp_path / "kubeflow" / "manifests" / "overlays" / "example"
    for file in example.glob("*.example"):
        file.rename(file.with_suffix(""))
    built = subprocess.run(["kustomize", "build", str(example)], check=True, capture_output=True, text=True).stdout
    for resource in yaml.safe_load_all(built):
        assert resource["metadata"]["namespace"] == "community-feed"
        for version in VERSIONS:
            kubernetes_validate.validate(resource, version, strict=True)
