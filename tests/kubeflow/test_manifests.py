"""The manifests fit Kubernetes' schemas, one another, and what the compiled package and the image expect."""

from __future__ import annotations

import functools
import itertools
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import kubernetes_validate.utils
import pytest
import yaml

from kubeflow.package_parts import LABEL
from tests.kubeflow.kustomization import build

ROOT = Path(__file__).parents[2]
MANIFESTS = ROOT / "kubeflow" / "manifests"
BASE, EXAMPLE = MANIFESTS / "base", MANIFESTS / "overlays" / "example"
# The oldest Kubernetes that is still supported somewhere, and the newest that there are schemas for.
VERSIONS = ("1.30", kubernetes_validate.latest_version())

Json = dict[str, Any]


@pytest.fixture(scope="module", autouse=True)
def schemas_read_once() -> Iterator[None]:
    """The validator reads its megabytes of schemas anew for each resource."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            kubernetes_validate.utils, "schema_contents", functools.cache(kubernetes_validate.utils.schema_contents)
        )
        yield


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


def test_no_sidecar_comes_into_our_pods() -> None:
    """Istio injects one by a profile's label; it would outlive the job, and the network policy would cut it off."""
    for kind in ("Deployment", "Job"):
        labels = of_kind(kind)["spec"]["template"]["metadata"]["labels"]
        assert labels["sidecar.istio.io/inject"] == "false"


def test_network_policies_select_pods_of_ours_only() -> None:
    own = {LABEL[1], of_kind("Deployment")["metadata"]["name"]}
    selected = [resource["spec"]["podSelector"] for resource in resources() if resource["kind"] == "NetworkPolicy"]
    assert selected
    for selector in selected:
        assert set(selector) == {"matchLabels"}
        assert selector["matchLabels"][LABEL[0]] in own


def test_the_job_fits_what_the_namespace_of_kubeflow_pipelines_allows() -> None:
    """Kubeflow Pipelines' own namespace holds pods to the Pod Security Standard `baseline`, which lists these."""
    allowed = {"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE"}
    spec = of_kind("Job")["spec"]["template"]["spec"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
    assert not [volume for volume in spec["volumes"] if "hostPath" in volume]
    for container in spec["containers"]:
        assert set(container["securityContext"]["capabilities"]["add"]) <= allowed


def test_the_example_names_a_pull_secret_for_every_pod() -> None:
    overlay = yaml.safe_load((EXAMPLE / "kustomization.yaml").read_text())
    (patch,) = [patch for patch in overlay["patches"] if patch["target"] == {"kind": "ServiceAccount"}]
    assert yaml.safe_load(patch["patch"]) == [{"op": "add", "path": "/imagePullSecrets", "value": [{"name": "registry"}]}]
    accounts = {resource["metadata"]["name"] for resource in resources() if resource["kind"] == "ServiceAccount"}
    for kind in ("Deployment", "Job"):
        assert of_kind(kind)["spec"]["template"]["spec"]["serviceAccountName"] in accounts


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
    account = of_kind("RoleBinding")["subjects"][0]["name"]
    assert f"--service-account {account}" in (ROOT / "kubeflow" / "README.md").read_text()
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


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example's folder, in a copy, with its secrets' files in place."""
    for folder in ("kubeflow/manifests", "serving/config"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    copied = tmp_path / EXAMPLE.relative_to(ROOT)
    for file in copied.glob("*.example"):
        file.rename(file.with_suffix(""))
    return copied


@pytest.mark.parametrize("namespace", ["community-feed", "kubeflow"])
def test_what_the_example_builds_fits_the_schemas_of_kubernetes(example: Path, namespace: str) -> None:
    kustomization = example / "kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace("community-feed", namespace))
    built = build(example)
    assert {resource["metadata"]["namespace"] for resource in built} == {namespace}
    for resource, version in itertools.product(built, VERSIONS):
        kubernetes_validate.validate(resource, version, strict=True)
    for resource in built:
        if resource["kind"] == "ServiceAccount":
            assert resource["imagePullSecrets"] == [{"name": "registry"}]
        if resource["kind"] == "RoleBinding":
            assert resource["subjects"] == [{"kind": "ServiceAccount", "name": "community-din", "namespace": namespace}]
    if shutil.which("kustomize") is not None:
        text = subprocess.run(["kustomize", "build", str(example)], check=True, capture_output=True, text=True).stdout
        without_hashes = re.sub(r"\b(community-din-serving)-[a-z0-9]{10}$", r"\1", text, flags=re.MULTILINE)
        assert by_name(yaml.safe_load_all(without_hashes)) == by_name(built)


def by_name(built: Iterable[Json]) -> list[Json]:
    return sorted(built, key=lambda resource: (resource["kind"], resource["metadata"]["name"]))


def test_the_examples_values_are_in_what_it_builds(example: Path) -> None:
    built = {(resource["kind"], resource["metadata"]["name"]): resource for resource in build(example)}
    assert built["PersistentVolumeClaim", "community-din"]["spec"]["storageClassName"] == "shared-files"
    assert built["HorizontalPodAutoscaler", "community-din-serving"]["spec"]["maxReplicas"] == 4
    assert built["ConfigMap", "community-din-metadata"]["data"]["port"] == "5432"
    (job,) = (resource for (kind, _), resource in built.items() if kind == "Job")
    assert job["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/community-din:0.1.0"


@pytest.mark.parametrize("line", ["namePrefix: a-", "images: [{name: a, digest: b}]", "commonLabels: {a: b}"])
def test_a_kustomization_that_cannot_be_checked_is_an_error(example: Path, line: str) -> None:
    file = example / "kustomization.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | yaml.safe_load(line)))
    with pytest.raises(ValueError, match="must hold what is known here"):
        build(example)
