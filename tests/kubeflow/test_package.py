"""The compiled package: its shape, and that Kubeflow's own tools take it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format
from kfp import components
from kfp.kubernetes import kubernetes_executor_config_pb2
from kfp.pipeline_spec import pipeline_spec_pb2

from kubeflow.compiler import compile_package
from kubeflow.package_config_file import load
from pipeline.config import RunConfig
from settings.catalogue import catalogue
from tests.kubeflow.conftest import CONFIG

pytestmark = pytest.mark.slow

UPSTREAM = {
    "example-gen": [],
    "statistics-gen": ["example-gen"],
    "previous-statistics": ["statistics-gen"],
    "example-validator": ["previous-statistics", "statistics-gen"],
    "validation-gate": ["example-validator"],
    "window": ["example-gen", "validation-gate"],
    "dataset": ["example-gen", "validation-gate", "window"],
    "schema": [],
    "transform": ["dataset", "schema"],
    "vocabulary-validator": ["transform"],
    "trainer": ["dataset", "transform", "vocabulary-validator"],
    "latest-blessed-model": ["trainer"],
    "evaluator": ["dataset", "latest-blessed-model", "trainer"],
    "serving-validator": ["dataset", "trainer"],
    "published-later": ["dataset"],
    "freshness": ["dataset", "published-later"],
    "model-card": [
        "dataset",
        "evaluator",
        "example-gen",
        "latest-blessed-model",
        "schema",
        "trainer",
        "transform",
        "vocabulary-validator",
        "window",
    ],
    "pusher": ["evaluator", "freshness", "model-card", "serving-validator", "trainer"],
    "past-spans": ["example-gen", "statistics-gen"],
    "model-report": [
        "dataset",
        "evaluator",
        "example-gen",
        "example-validator",
        "freshness",
        "model-card",
        "past-spans",
        "pusher",
        "serving-validator",
        "statistics-gen",
        "trainer",
        "vocabulary-validator",
    ],
}
INGESTED = ("example-gen", "statistics-gen", "previous-statistics", "example-validator", "validation-gate")


@pytest.fixture(scope="module")
def spec(package: Path) -> dict[str, Any]:
    found: dict[str, Any] = documents(package)[0]
    return found


@pytest.fixture(scope="module")
def platform(package: Path) -> dict[str, Any]:
    executors: dict[str, Any] = documents(package)[1]["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    return executors


def documents(package: Path) -> list[dict[str, Any]]:
    """The two parts of a package: the pipeline's spec, and its Kubernetes settings."""
    return list(yaml.safe_load_all(package.read_text()))


def steps_of(spec: dict[str, Any]) -> dict[str, Any]:
    tasks: dict[str, Any] = spec["components"]["comp-exit-handler-1"]["dag"]["tasks"]
    return tasks


def argument(spec: dict[str, Any], step: str, option: str) -> str:
    arguments = spec["deploymentSpec"]["executors"][f"exec-{step}"]["container"]["args"]
    return str(arguments[arguments.index(option) + 1])


def test_every_node_is_one_step_after_those_it_depends_on(spec: dict[str, Any]) -> None:
    found = {name: sorted(task.get("dependentTasks", [])) for name, task in steps_of(spec).items()}
    assert found == UPSTREAM


def test_a_step_has_the_ir_of_its_node_only(spec: dict[str, Any]) -> None:
    for step in UPSTREAM:
        ir = json.loads(argument(spec, step, "--ir"))
        assert [node["pipelineNode"]["nodeInfo"]["id"] for node in ir["nodes"]] == [step.replace("-", "_")]
        assert set(ir["deploymentConfig"].get("executorSpecs", {})) <= {step.replace("-", "_")}
        assert "metadataConnectionConfig" not in ir["deploymentConfig"]


def test_arguments_and_the_whole_package_fit_where_kubeflow_keeps_them(spec: dict[str, Any], package: Path) -> None:
    sizes = [len(argument(spec, step, "--ir")) for step in UPSTREAM]
    assert max(sizes) < 64 * 1024
    # A workflow holds each text about twice; etcd takes 1.5 MiB.
    assert 2 * package.stat().st_size < 1024 * 1024


def test_the_run_id_is_kubeflows_and_the_cache_is_tfxs(spec: dict[str, Any]) -> None:
    for task in [*steps_of(spec).values(), spec["root"]["dag"]["tasks"]["report"]]:
        assert task["inputs"]["parameters"]["run_id"]["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
        assert not task["cachingOptions"].get("enableCache", False)


def test_the_settings_of_a_local_run_are_parameters_with_the_configured_defaults(spec: dict[str, Any], volume: Path) -> None:
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    assert set(parameters) == {name for name, entry in catalogue(RunConfig).items() if entry.main and entry.nodes}
    defaults = {name: parameter["defaultValue"] for name, parameter in parameters.items()}
    assert defaults["data_root"] == str(volume / "data")
    assert (defaults["span"], defaults["span_version"], defaults["tolerated"]) == ("newest", "newest", "skew")
    assert (defaults["epochs"], defaults["min_auc"], defaults["window_spans"]) == (1, 0.1, 7)
    assert parameters["epochs"]["parameterType"] == "NUMBER_INTEGER"
    assert parameters["min_auc"]["parameterType"] == "NUMBER_DOUBLE"
    assert parameters["span"]["parameterType"] == "STRING"


def test_resources_retries_and_timeouts_are_those_of_the_configuration(
    spec: dict[str, Any], platform: dict[str, Any]
) -> None:
    trainer = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]
    assert trainer["image"] == "registry.example/community-din:0.1.0"
    assert trainer["resources"] == {
        "cpuRequest": 4.0,
        "memoryLimit": 8.589934592,
        "memoryRequest": 8.589934592,
        "resourceCpuRequest": "4",
        "resourceMemoryLimit": "8Gi",
        "resourceMemoryRequest": "8Gi",
    }
    policy = steps_of(spec)["trainer"]["retryPolicy"]
    assert (policy["maxRetryCount"], policy["backoffDuration"], policy["backoffFactor"]) == (2, "60s", 2.0)
    assert platform["exec-trainer"]["activeDeadlineSeconds"] == "14400"
    assert platform["exec-report"]["activeDeadlineSeconds"] == "600"


def test_every_attempt_of_every_step_may_last_as_long_as_its_timeout(spec: dict[str, Any], platform: dict[str, Any]) -> None:
    """Argo kills a repetition, and starts none, once `backoffMaxDuration` has passed since the first attempt was made."""
    for name, task in {**steps_of(spec), "report": spec["root"]["dag"]["tasks"]["report"]}.items():
        policy = task["retryPolicy"]
        timeout = int(platform[f"exec-{name}"]["activeDeadlineSeconds"])
        wait = int(policy["backoffDuration"].removesuffix("s"))
        # Argo reads the factor as a whole number.
        factor = int(policy["backoffFactor"])
        assert factor == policy["backoffFactor"]
        last_end = timeout
        for number in range(policy["maxRetryCount"]):
            last_end += wait * factor**number + timeout
        assert int(policy["backoffMaxDuration"].removesuffix("s")) >= last_end, name


def test_a_step_that_is_never_repeated_has_no_retry_policy(tmp_path: Path) -> None:
    content = yaml.safe_load(CONFIG.read_text())
    content["nodes"]["trainer"]["retries"] = {"count": 0}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    spec, _ = documents(compiled(tmp_path / "config.yaml", tmp_path / "p.yaml"))
    assert "retryPolicy" not in steps_of(spec)["trainer"]


def test_every_step_has_the_volume_and_the_metadata_store_by_reference(
    spec: dict[str, Any], platform: dict[str, Any], volume: Path
) -> None:
    for executor in spec["deploymentSpec"]["executors"]:
        step = platform[executor]
        (mount,) = step["pvcMount"]
        assert (mount["constant"], mount["mountPath"]) == ("community-din", str(volume))
        references = {
            pair["envVar"]: (source.get("secretName") or source["configMapName"])
            for kind in ("secretAsEnv", "configMapAsEnv")
            for source in step[kind]
            for pair in source["keyToEnv"]
        }
        names = ("HOST", "PORT", "DATABASE", "USER", "PASSWORD")
        assert references == {
            **{f"METADATA_{name}": "community-din-metadata" for name in names},
            "NOTIFICATION_WEBHOOK": "community-din-notification",
        }


def test_pull_secrets_node_selectors_tolerations_and_variables_are_set(tmp_path: Path) -> None:
    content = yaml.safe_load(CONFIG.read_text())
    content["nodes"]["trainer"] = {
        "node_selector": {"pool": "large"},
        "tolerations": [{"key": "large", "operator": "Exists", "effect": "NoSchedule"}],
        "environment": {"PLAIN": {"value": "1"}, "HIDDEN": {"secret": "s", "key": "k"}},
    }
    content["notification"] = {"webhook": {"secret": "hook", "key": "url"}}
    content["image_pull_secrets"] = ["pull"]
    content["metadata_store"]["tls"] = {"root_certificate": {"secret": "postgres-ca", "key": "ca.crt"}}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    spec, platform = documents(compiled(tmp_path / "config.yaml", tmp_path / "p.yaml"))
    container = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]
    assert {"name": "PLAIN", "value": "1"} in container["env"]
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    trainer = executors["exec-trainer"]
    assert trainer["nodeSelector"]["labels"] == {"pool": "large"}
    assert trainer["tolerations"] == [{"key": "large", "operator": "Exists", "effect": "NoSchedule"}]
    assert trainer["imagePullSecret"][0]["secretName"] == "pull"
    variables = {pair["envVar"] for source in trainer["secretAsEnv"] for pair in source["keyToEnv"]}
    assert "HIDDEN" in variables
    assert "NOTIFICATION_WEBHOOK" in variables
    assert any(source["secretName"] == "hook" for source in executors["exec-report"]["secretAsEnv"])
    assert {argument(spec, step, "--notify") for step in (*UPSTREAM, "report")} == {"failure"}
    assert trainer["podMetadata"]["labels"] == executors["exec-report"]["podMetadata"]["labels"]
    (tls,) = [variable["value"] for variable in container["env"] if variable["name"] == "METADATA_TLS"]
    assert tls == "verify-full"
    assert any(source["secretName"] == "postgres-ca" for source in executors["exec-report"]["secretAsEnv"])


def test_the_report_runs_however_the_steps_end(spec: dict[str, Any]) -> None:
    report = spec["root"]["dag"]["tasks"]["report"]
    assert report["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    assert report["dependentTasks"] == ["exit-handler-1"]
    nodes = argument(spec, "report", "--nodes").replace("_", "-").split(",")
    assert sorted(nodes) == sorted(UPSTREAM)
    # The order of TFX's IR.
    for place, node in enumerate(nodes):
        assert set(UPSTREAM[node]) <= set(nodes[:place])


def test_the_last_node_can_report_in_the_place_of_the_report(spec: dict[str, Any]) -> None:
    """Kubeflow does not repeat the report of a failed run that is started again."""
    assert argument(spec, "model-report", "--nodes") == argument(spec, "report", "--nodes")
    inputs = steps_of(spec)["model-report"]["inputs"]["parameters"]
    assert set(inputs) == {"run_id", *spec["root"]["inputDefinitions"]["parameters"]}


def test_the_package_beside_it_takes_a_span_in_as_the_whole_pipeline_does(spec: dict[str, Any], package: Path) -> None:
    ingest, _ = documents(package.with_stem(f"{package.stem}-ingest"))
    assert ingest["pipelineInfo"]["name"] == "community-din-ingest"
    found = {name: sorted(task.get("dependentTasks", [])) for name, task in steps_of(ingest).items()}
    assert found == {name: UPSTREAM[name] for name in INGESTED}
    assert argument(ingest, "validation-gate", "--nodes").replace("_", "-").split(",") == list(INGESTED)
    parameters = set(ingest["root"]["inputDefinitions"]["parameters"])
    assert {"data_root", "span", "max_rejected_share", "max_drift"} <= parameters
    assert not {"epochs", "min_auc", "window_spans"} & parameters
    for step in INGESTED:
        # What the later nodes of the one do not know of, the cache of the other does not ask for either.
        one, other = (json.loads(argument(each, step, "--ir")) for each in (ingest, spec))
        for ir in (one, other):
            ir["nodes"][0]["pipelineNode"].pop("downstreamNodes", None)
        assert one == other


def test_the_page_of_the_report_is_an_artifact_that_kubeflow_shows(spec: dict[str, Any]) -> None:
    made = {name: one.get("outputDefinitions", {}) for name, one in spec["components"].items() if name.startswith("comp-")}
    pages = {name: of["artifacts"]["page"]["artifactType"]["schemaTitle"] for name, of in made.items() if "artifacts" in of}
    assert pages == {"comp-model-report": "system.HTML"}
    assert argument(spec, "model-report", "--page") == "{{$.outputs.artifacts['page'].path}}"


def test_equal_configurations_give_equal_bytes(config_file: Path, package: Path, tmp_path: Path) -> None:
    assert compiled(config_file, tmp_path / "again.yaml").read_bytes() == package.read_bytes()


def test_the_kfp_sdk_loads_the_package_and_its_parts_parse(package: Path) -> None:
    loaded = components.load_component_from_file(str(package))
    assert loaded.pipeline_spec.schema_version.startswith("2.1")
    spec, platform = documents(package)
    parsed = json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    assert len(parsed.deployment_spec["executors"]) == len(UPSTREAM) + 1
    json_format.ParseDict(platform, pipeline_spec_pb2.PlatformSpec())
    for settings in platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"].values():
        json_format.ParseDict(settings, kubernetes_executor_config_pb2.KubernetesExecutorConfig())


@pytest.mark.parametrize(("validator", "is_there"), [("kubernetes", True), ("none", False)])
def test_tfxs_infra_validator_takes_the_place_of_our_own_and_can_be_left_out(
    tmp_path: Path, validator: str, is_there: bool
) -> None:
    content = yaml.safe_load(CONFIG.read_text())
    content["run"]["serving_validator"] = validator
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    spec, _ = documents(compiled(tmp_path / "config.yaml", tmp_path / "p.yaml"))
    steps = steps_of(spec)
    assert ("serving-validator" in steps) == ("serving-validator" in steps["pusher"]["dependentTasks"]) == is_there
    text = json.dumps(spec)
    assert ("tfx.components.infra_validator.executor.Executor" in text) == is_there
    assert "components.serving_validator" not in text


def test_an_unknown_node_is_refused(tmp_path: Path) -> None:
    content = yaml.safe_load(CONFIG.read_text())
    content["nodes"]["trainor"] = {"cpu": "8"}
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match="`nodes` must hold ids of nodes, or `report`. Received: trainor."):
        compiled(tmp_path / "config.yaml", tmp_path / "p.yaml")
    assert not (tmp_path / "p.yaml").exists()


def compiled(config: Path, output: Path) -> Path:
    compile_package(load(config), output)
    return output
