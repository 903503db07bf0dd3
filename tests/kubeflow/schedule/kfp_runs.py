"""How the runs of the server's stand-in make headway: with each look at them, step by step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kfp.pipeline_spec import pipeline_spec_pb2

Json = dict[str, Any]

ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")


@dataclass
class Headway:
    """How far the runs are.

    Attributes:
        failing: By the value of the parameter `span`: the step in which such a run fails.
        never_ending: Whether runs stay under way.
        killed: The runs whose workflow was deleted under them. Nobody tells the server of their end: they stay RUNNING.
    """

    failing: Mapping[str, str] = field(default_factory=dict)
    never_ending: bool = False
    killed: list[str] = field(default_factory=list)
    _looks: dict[str, int] = field(default_factory=dict)

    def look(self, run: Json, spec: pipeline_spec_pb2.PipelineSpec) -> Json:
        """The run as it is at this look, with the state of its tasks."""
        if run["run_id"] in self.killed:
            return run | {"state": "RUNNING", "run_details": {"task_details": []}}
        looks = self._looks[run["run_id"]] = self._looks.get(run["run_id"], -1) + 1
        steps = _steps(spec)
        fails = self.failing.get((run.get("runtime_config", {}).get("parameters") or {}).get("span", ""))
        tasks = [_task(name, "RUNNING") for name in ("root", "exit-handler-1")] + [_task(f"{steps[0]}-driver", "SUCCEEDED")]
        state = "RUNNING" if self.never_ending or looks <= len(steps) else "SUCCEEDED"
        for position, step in enumerate(steps[:looks]):
            done = position < looks - 1 and not self.never_ending
            if done and step == fails:
                tasks.append(_task(step, "FAILED"))
                state = "FAILED"
                break
            tasks.append(_task(step, "SUCCEEDED" if done else "RUNNING"))
        return run | {"state": state, "run_details": {"task_details": tasks}}


def _steps(spec: pipeline_spec_pb2.PipelineSpec) -> list[str]:
    """The steps by name, those of groups first."""
    groups = [component.dag for component in spec.components.values() if component.HasField("dag")]
    dags = [*groups, spec.root.dag]
    return [
        name
        for dag in dags
        for name, task in sorted(dag.tasks.items())
        if not spec.components[task.component_ref.name].HasField("dag")
    ]


def _task(name: str, state: str) -> Json:
    times = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2026-01-01T00:01:05Z" if state != "RUNNING" else None}
    return {"display_name": name, "state": state} | {key: value for key, value in times.items() if value}
