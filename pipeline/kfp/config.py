"""PackageConfig: where and how the steps run on the cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import ConfigDict, Field, model_validator
from pydantic.dataclasses import dataclass

from components.bounds import Bounds
from components.example_gen.settings import IngestionSettings
from components.validation.bounds import DataBounds
from pipeline.config import PIPELINE_NAME, RunConfig
from pipeline.kfp.command import LEASE_SECONDS
from trainer.hyperparameters import Hyperparameters

_CHECKED = ConfigDict(extra="forbid")

Cpu = Annotated[str, Field(pattern=r"^\d*\.?\d+m?$")]
Memory = Annotated[str, Field(pattern=r"^\d+([KMGTPE]i?)?$")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
Key = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Path = Annotated[str, Field(pattern=r"^(/|gs://)[^{}$]*[^/{}$]$")]
Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, config=_CHECKED)
class Setting:
    """A value for an environment variable: given here, or the key of a secret or of a config map.

    Args:
        value: The value itself.
        secret: The secret's name.
        config_map: The config map's name.
        key: The key in the secret or the config map.
    """

    value: str | None = None
    secret: Name | None = None
    config_map: Name | None = None
    key: Key | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Setting:
        origins = [name for name in ("value", "secret", "config_map") if getattr(self, name) is not None]
        if len(origins) != 1:
            raise ValueError(f"exactly one of `value`, `secret` and `config_map` must be given, not {origins or 'none'}")
        if (self.key is None) != (origins == ["value"]):
            raise ValueError("`key` must be given with `secret` or `config_map`, and only with these")
        return self


@dataclass(frozen=True, config=_CHECKED)
class MetadataStore:
    """The PostgreSQL database of ML Metadata, which all steps and runs share; it must exist.

    ML Metadata's wheels cannot encrypt the connection: keep it within the cluster, or behind a proxy that does.

    Args:
        host: Its host.
        port: Its port.
        database: The database's name.
        user: The user, who may create tables in it.
        password: The password; from a secret only.
    """

    host: Setting
    database: Setting
    user: Setting
    password: Setting
    port: Setting = Setting(value="5432")

    @model_validator(mode="after")
    def _secret_password(self) -> MetadataStore:
        if self.password.secret is None:
            raise ValueError("`password` must come from a secret")
        return self


@dataclass(frozen=True, config=_CHECKED)
class Volume:
    """A persistent volume claim that every step mounts.

    Args:
        claim: The claim's name.
        mount_path: Where.
        sub_path: A folder of the volume; by default its root.
    """

    claim: Name
    mount_path: Annotated[str, Field(pattern=r"^/.*[^/]$")]
    sub_path: str = ""


@dataclass(frozen=True, config=_CHECKED)
class Accelerator:
    """Accelerators of a step: their type, such as `nvidia.com/gpu`, and how many."""

    type: str
    count: Positive = 1


@dataclass(frozen=True, config=_CHECKED)
class Retries:
    """How often a failed step is repeated, and how long Kubeflow waits before that.

    Args:
        count: How often at most; 0 for never.
        wait_seconds: How long before the first repetition.
        factor: How many times longer before each further one.
        max_wait_seconds: How long at most.
    """

    count: NotNegative = 2
    wait_seconds: Positive = 60
    factor: Annotated[float, Field(ge=1)] = 2.0
    max_wait_seconds: Positive = 3600


@dataclass(frozen=True, config=_CHECKED)
class Toleration:
    """A taint that a step's pod bears, in Kubernetes' own terms."""

    key: str | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoExecute", "NoSchedule", "PreferNoSchedule"] | None = None


@dataclass(frozen=True, config=_CHECKED)
class Step:
    """What a step gets, and how it is repeated.

    Args:
        cpu: CPUs asked for, as Kubernetes writes them.
        cpu_limit: The most CPUs; by default no limit.
        memory: Memory asked for.
        memory_limit: The most memory. Defaults to `memory`.
        accelerator: Accelerators, if any.
        node_selector: Labels that the machine must have.
        tolerations: Taints that the pod bears.
        timeout_seconds: How long one attempt may take.
        retries: How the step is repeated when it has failed.
        environment: Further environment variables.
    """

    cpu: Cpu = "1"
    cpu_limit: Cpu | None = None
    memory: Memory = "4Gi"
    memory_limit: Memory | None = None
    accelerator: Accelerator | None = None
    node_selector: dict[str, str] = dataclasses.field(default_factory=dict)
    tolerations: list[Toleration] = dataclasses.field(default_factory=list)
    timeout_seconds: Positive = 3600
    retries: Retries = Retries()
    environment: dict[Variable, Setting] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, config=_CHECKED)
class Notification:
    """Who is told how a run ended: an HTTP POST of JSON, whose `text` chat services show.

    Args:
        webhook: The address; best from a secret, since it is one.
        on: Which runs: those that failed, or all.
    """

    webhook: Setting
    on: Literal["failure", "always"] = "failure"


@dataclass(frozen=True, config=_CHECKED)
class Defaults:
    """The defaults of the package's parameters, and the settings that a compiled package has fixed.

    Args:
        span: As in RunConfig.
        span_version: As in RunConfig.
        window_spans: As in RunConfig.
        ingestion: The fields of `components.example_gen.settings.IngestionSettings` that differ from their defaults.
        data_bounds: Those of `components.validation.bounds.DataBounds`.
        hyperparameters: Those of `trainer.hyperparameters.Hyperparameters`.
        bounds: Those of `components.bounds.Bounds`.
        beam_pipeline_args: As in RunConfig.
    """

    span: str = "newest"
    span_version: int | None = None
    window_spans: Positive = 7
    ingestion: dict[str, Any] = dataclasses.field(default_factory=dict)
    data_bounds: dict[str, Any] = dataclasses.field(default_factory=dict)
    hyperparameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    bounds: dict[str, Any] = dataclasses.field(default_factory=dict)
    beam_pipeline_args: list[str] | None = None


@dataclass(frozen=True, config=_CHECKED)
class PackageConfig:
    """Everything the compiled package depends on, beside the pipeline's own code.

    Args:
        image: The image of every step, with this project installed.
        data_root: The folder of the data, in the steps: on a mounted volume, or `gs://`.
        state_root: Where runs keep what they write, in the steps.
        metadata_store: The database of ML Metadata; Kubeflow needs it, Vertex AI has its own.
        pipeline_name: The pipeline's name.
        image_pull_policy: Kubernetes' rule for pulling it.
        image_pull_secrets: The names of secrets for pulling it.
        service_account: The service account that a run is started with; it is no part of the package.
        volumes: What every step mounts.
        steps: What every step gets.
        nodes: What single steps get instead, by node id; `report` is the last step.
        lease_seconds: How long a run may be silent before another one may take its place.
        notification: Who is told how a run ended.
        run: The parameters' defaults, and what the package fixes.
    """

    image: Annotated[str, Field(pattern=r"^[^\s{}$]+$")]
    data_root: Path
    state_root: Path
    metadata_store: MetadataStore | None = None
    pipeline_name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] = PIPELINE_NAME
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: list[Name] = dataclasses.field(default_factory=list)
    service_account: Name | None = None
    volumes: list[Volume] = dataclasses.field(default_factory=list)
    steps: Step = dataclasses.field(default_factory=Step)
    nodes: dict[str, Step] = dataclasses.field(default_factory=dict)
    lease_seconds: Annotated[int, Field(ge=60)] = LEASE_SECONDS
    notification: Notification | None = None
    run: Defaults = dataclasses.field(default_factory=Defaults)

    @model_validator(mode="after")
    def _reachable(self) -> PackageConfig:
        mounted = tuple(f"{volume.mount_path}/" for volume in self.volumes)
        for name in ("data_root", "state_root"):
            path = getattr(self, name)
            if not path.startswith(("gs://", *mounted)):
                raise ValueError(f"`{name}` must be on one of the `volumes`, or on gs://, not {path!r}")
        self.run_config()
        return self

    def step(self, node: str) -> Step:
        """What the step of a node gets."""
        return self.nodes.get(node, self.steps)

    def run_config(self) -> RunConfig:
        """The pipeline's configuration with the parameters' defaults. Raises ValueError if one is out of its range."""
        beam = {} if self.run.beam_pipeline_args is None else {"beam_pipeline_args": tuple(self.run.beam_pipeline_args)}
        return RunConfig(
            data_root=self.data_root,
            state_root=self.state_root,
            pipeline_name=self.pipeline_name,
            span=self.run.span,
            span_version=self.run.span_version,
            window_spans=self.run.window_spans,
            ingestion=_part(IngestionSettings, "ingestion", self.run.ingestion),
            data_bounds=_part(DataBounds, "data_bounds", self.run.data_bounds),
            hyperparameters=_part(Hyperparameters, "hyperparameters", self.run.hyperparameters),
            bounds=_part(Bounds, "bounds", self.run.bounds),
            **beam,
        )


Part = TypeVar("Part")


def _part(kind: type[Part], name: str, values: Mapping[str, Any]) -> Part:
    """A part of RunConfig. Its lists come as lists from a file, and are tuples."""
    known = {field.name for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - known)
    if unknown:
        raise ValueError(f"`{name}` must hold fields of {kind.__name__}, not {', '.join(unknown)}")
    try:
        return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in values.items()})
    except TypeError as error:
        raise ValueError(f"`{name}` must hold values of the fields' types: {error}") from error
