"""What a step of the package gets, and how it is repeated."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from pydantic.dataclasses import dataclass

from kubeflow.package_parts import CHECKED, Setting

Cpu = Annotated[str, Field(pattern=r"^\d*\.?\d+m?$")]
Memory = Annotated[str, Field(pattern=r"^\d+([KMGTPE]i?)?$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]


# How long a step's pods may wait for a machine, all attempts together, before Argo gives up repeating them.
PENDING_SECONDS = 24 * 60 * 60


@dataclass(frozen=True, config=CHECKED)
class Retries:
    """How often a failed step is repeated, and how long Kubeflow waits before that.

    Args:
        count: How often at most; 0 for never.
        wait_seconds: How long before the first repetition.
        factor: How many times longer before each further one; Argo takes whole numbers only.
    """

    count: NotNegative = 2
    wait_seconds: Positive = 60
    factor: Positive = 2

    @property
    def waits(self) -> list[int]:
        """How long Kubeflow waits before each repetition, in seconds."""
        return [self.wait_seconds * self.factor**number for number in range(self.count)]


@dataclass(frozen=True, config=CHECKED)
class Toleration:
    """A taint that a step's pod bears, in Kubernetes' own terms."""

    key: str | None = None
    operator: Literal["Equal", "Exists"] = "Equal"
    value: str | None = None
    effect: Literal["NoExecute", "NoSchedule", "PreferNoSchedule"] | None = None


@dataclass(frozen=True, config=CHECKED)
class Step:
    """What a step gets, and how it is repeated.

    Args:
        cpu: CPUs asked for, as Kubernetes writes them.
        cpu_limit: The most CPUs; by default no limit.
        memory: Memory asked for.
        memory_limit: The most memory. Defaults to `memory`.
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
    node_selector: dict[str, str] = dataclasses.field(default_factory=dict)
    tolerations: list[Toleration] = dataclasses.field(default_factory=list)
    timeout_seconds: Positive = 3600
    retries: Retries = Retries()
    environment: dict[Variable, Setting] = dataclasses.field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _no_accelerator(cls, values: Any) -> Any:
        given = getattr(values, "kwargs", None) or values
        if isinstance(given, dict) and "accelerator" in given:
            raise ValueError(
                "`accelerator` cannot be given: the image's TensorFlow comes without CUDA's libraries, so that the step "
                "would hold an accelerator and compute on the CPU"
            )
        return values

    @property
    def retry_seconds(self) -> int:
        """What Argo needs as `maxDuration`, which counts from the start of the first attempt and ends the last one too."""
        return (self.retries.count + 1) * self.timeout_seconds + sum(self.retries.waits) + PENDING_SECONDS
