"""PackageConfig: where and how the steps run on the cluster."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from components.bounds import Bounds
from components.example_gen.settings import IngestionSettings
from components.validation.bounds import DataBounds
from pipeline.config import PIPELINE_NAME, RunConfig
from pipeline.kfp.command import LEASE_SECONDS
from pipeline.kfp.settings import CHECKED, MetadataStore, Name, Notification, Volume
from pipeline.kfp.step_config import Positive, Step
from trainer.hyperparameters import Hyperparameters

Path = Annotated[str, Field(pattern=r"^(/|gs://)[^{}$]*[^/{}$]$")]


@dataclass(frozen=True, config=CHECKED)
class Defaults:
    """The defaults of the package's parameters, and the settings that a compiled package has fixed.

    Args:
        span: As in RunConfig.
        span_version: As in RunConfig.
        complete_marker: As in RunConfig.
        window_spans: As in RunConfig.
        ingestion: The fields of `components.example_gen.settings.IngestionSettings` that differ from their defaults.
        data_bounds: Those of `components.validation.bounds.DataBounds`.
        hyperparameters: Those of `trainer.hyperparameters.Hyperparameters`.
        bounds: Those of `components.bounds.Bounds`.
        beam_pipeline_args: As in RunConfig.
    """

    span: str = "newest"
    span_version: int | None = None
    complete_marker: str = ""
    window_spans: Positive = 7
    ingestion: dict[str, Any] = dataclasses.field(default_factory=dict)
    data_bounds: dict[str, Any] = dataclasses.field(default_factory=dict)
    hyperparameters: dict[str, Any] = dataclasses.field(default_factory=dict)
    bounds: dict[str, Any] = dataclasses.field(default_factory=dict)
    beam_pipeline_args: list[str] | None = None


@dataclass(frozen=True, config=CHECKED)
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
        beam: dict[str, Any] = (
            {} if self.run.beam_pipeline_args is None else {"beam_pipeline_args": tuple(self.run.beam_pipeline_args)}
        )
        return RunConfig(
            data_root=self.data_root,
            state_root=self.state_root,
            pipeline_name=self.pipeline_name,
            span=self.run.span,
            span_version=self.run.span_version,
            complete_marker=self.run.complete_marker,
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
