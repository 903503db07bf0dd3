"""PackageConfig: where and how the steps run on the cluster."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from kubeflow.package_parts import CHECKED, MetadataStore, Name, Notification, Volume
from kubeflow.step_arguments import LEASE_SECONDS
from kubeflow.step_config import Step
from pipeline.config import PIPELINE_NAME, RunConfig
from settings.catalogue import build

Path = Annotated[str, Field(pattern=r"^(/|[a-z0-9]+://)[^{}$]*[^/{}$]$")]


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
        volumes: What every step mounts.
        steps: What every step gets.
        nodes: What single steps get instead, by node id; `report` is the last step.
        lease_seconds: How long a run may be silent before another one may take its place; longer than a step that is to be
            repeated waits for that.
        notification: Who is told how a run ended.
        run: Settings of RunConfig by name: the parameters' defaults, and what the package fixes.
    """

    image: Annotated[str, Field(pattern=r"^[^\s{}$]+$")]
    data_root: Path
    state_root: Path
    metadata_store: MetadataStore | None = None
    pipeline_name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] = PIPELINE_NAME
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: list[Name] = dataclasses.field(default_factory=list)
    volumes: list[Volume] = dataclasses.field(default_factory=list)
    steps: Step = dataclasses.field(default_factory=Step)
    nodes: dict[str, Step] = dataclasses.field(default_factory=dict)
    lease_seconds: Annotated[int, Field(ge=60)] = LEASE_SECONDS
    notification: Notification | None = None
    run: dict[str, Any] = dataclasses.field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> PackageConfig:
        mounted = tuple(f"{volume.mount_path}/" for volume in self.volumes)
        for name in ("data_root", "state_root"):
            path = getattr(self, name)
            scheme = path.partition("://")[0]
            if scheme not in (path, "gs"):
                raise ValueError(
                    f"`{name}` must be on gs:// or on a volume, as which a bucket of another kind can be mounted: "
                    f"TensorFlow has no file system for {scheme}:// (docs/ENGINES.md)"
                )
            if not path.startswith(("gs://", *mounted)):
                raise ValueError(f"`{name}` must be on one of the `volumes`, or on gs://, not {path!r}")
        self.run_config()
        waits = [wait for step in (self.steps, *self.nodes.values()) for wait in step.retries.waits]
        if max(waits, default=0) >= self.lease_seconds:
            raise ValueError(
                f"`lease_seconds` must be longer than the longest wait before a repetition, or a run loses its place "
                f"meanwhile: more than {max(waits)}, not {self.lease_seconds}"
            )
        return self

    def step(self, node: str) -> Step:
        """What the step of a node gets."""
        return self.nodes.get(node, self.steps)

    def run_config(self) -> RunConfig:
        """The pipeline's configuration with the parameters' defaults. Raises ValueError if one is out of its range."""
        own = {"data_root": self.data_root, "state_root": self.state_root, "pipeline_name": self.pipeline_name}
        twice = sorted(set(own) & set(self.run))
        if twice:
            raise ValueError(f"`run` must not hold what stands beside it, not {', '.join(twice)}")
        return build(RunConfig, self.run | own)
