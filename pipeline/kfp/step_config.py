"""What a step of the package gets, and how it is repeated."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from pipeline.kfp.settings import CHECKED, Setting

Cpu = Annotated[str, Field(pattern=r"^\d*\.?\d+m?$")]
Memory = Annotated[str, Field(pattern=r"^\d+([KMGTPE]i?)?$")]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
Positive = Annotated[int, Field(gt=0)]
NotNegative = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, config=CHECKED)
class Accelerator:
    """Accelerators of a step: their type, such as `nvidia.com/gpu`, and how many."""

    type: str
    count: Positive = 1


@dataclass(frozen=True, config=CHECKED)
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
