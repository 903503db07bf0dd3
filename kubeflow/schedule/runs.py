"""Single runs: started, followed step by step to their end, and one after the other for a range of spans."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from kubeflow.schedule.connection import Server
from kubeflow.schedule.errors import RunFailedError, UnreachableError, WaitTimeoutError
from kubeflow.schedule.package import Value
from kubeflow.schedule.pipelines import Version, all_pages, only
from kubeflow.schedule.translation import translated

Report = Callable[[str], None]

ENDED = ("SUCCEEDED", "SKIPPED", "FAILED", "CANCELED")
_MISSED_ANSWERS = 10  # in a row, before waiting is given up


@dataclass(frozen=True)
class Run:
    """What is to be run. `pipeline_root` and `service_account` are the server's own if None."""

    name: str
    experiment_id: str
    version: Version
    parameters: dict[str, Value] = field(default_factory=dict)
    pipeline_root: str | None = None
    service_account: str | None = None


@dataclass(frozen=True)
class Patience:
    """How a run is waited for, in seconds: between two looks, and in all (None: until it ends)."""

    interval: float = 10.0
    timeout: float | None = None


def start(server: Server, run: Run) -> str:
    """Starts the run and returns its id."""
    with translated(server.host), redirect_stdout(StringIO()):
        started = server.client.run_pipeline(
            run.experiment_id,
            run.name,
            params=run.parameters,
            pipeline_id=run.version.pipeline_id,
            version_id=run.version.version_id,
            pipeline_root=run.pipeline_root,
            service_account=run.service_account,
        )
    return str(started.run_id)


def find(server: Server, run: Run) -> str | None:
    """The id of the newest run of that name in its experiment that is under way or has succeeded."""
    wanted = only(
        ("EQUALS", "display_name", run.name), ("NOT_EQUALS", "state", "FAILED"), ("NOT_EQUALS", "state", "CANCELED")
    )
    with translated(server.host):
        found = all_pages(server.client.list_runs, "runs", experiment_id=run.experiment_id, filter=wanted)
    of_name = [one for one in found if one.display_name == run.name]
    newest = max(of_name, key=lambda one: one.created_at, default=None)
    return None if newest is None else str(newest.run_id)


def in_progress(server: Server, recurring_run_id: str) -> list[str]:
    """The ids of the runs that the recurring run has started and that have not ended."""
    open_ones = [("NOT_EQUALS", "state", state) for state in ENDED]
    only_those = only(("EQUALS", "recurring_run_id", recurring_run_id), *open_ones)
    with translated(server.host):
        found = all_pages(server.client.list_runs, "runs", namespace=server.namespace, filter=only_those)
    return [str(run.run_id) for run in found if str(run.state) not in ENDED]


def wait(server: Server, run_id: str, steps: tuple[str, ...], patience: Patience, report: Report) -> None:
    """Waits for the run's end and reports each change of a step's state.

    Args:
        server: The server.
        run_id: The run.
        steps: The names of the package's steps; what the server adds of its own (drivers, groups) is not reported.
        patience: The interval and the limit.
        report: Called with a line of text.

    Raises:
        RunFailedError: It ended otherwise than SUCCEEDED.
        WaitTimeoutError: It had not ended in time.
        UnreachableError: The server did not answer several times in a row.
    """
    started = time.monotonic()
    seen: dict[str, str] = {}
    for run in _looks(server, run_id, patience):
        states = {task.display_name: task for task in _tasks(run) if task.display_name in steps}
        for step, task in states.items():
            state = str(task.state or "PENDING")
            if seen.get(step) != state:
                seen[step] = state
                report(f"{step} {state}{_duration(task) if state in ENDED else ''}")
        if str(run.state) in ENDED:
            report(f"run {run.state} after {time.monotonic() - started:.0f} s")
            if str(run.state) != "SUCCEEDED":
                failed = [step for step, state in seen.items() if state in ("FAILED", "CANCELED")]
                where = f" in {', '.join(failed)}" if failed else ""
                said = f" It says: {run.error.message}" if run.error and run.error.message else ""
                raise RunFailedError(
                    f"The run {run.display_name!r} ended {run.state}{where}.{said} {server.link(f'runs/details/{run_id}')}"
                )
            return
    raise WaitTimeoutError(
        f"The run had not ended after {patience.timeout:.0f} s and goes on. {server.link(f'runs/details/{run_id}')}"
    )


def _looks(server: Server, run_id: str, patience: Patience) -> Iterator[Any]:
    deadline = None if patience.timeout is None else time.monotonic() + patience.timeout
    missed = 0
    while True:
        try:
            with translated(server.host):
                run = server.client.get_run(run_id)
        except UnreachableError:
            missed += 1
            if missed == _MISSED_ANSWERS:
                raise
        else:
            missed = 0
            yield run
        if deadline is not None and time.monotonic() >= deadline:
            return
        time.sleep(patience.interval)


def _tasks(run: Any) -> list[Any]:
    return (run.run_details and run.run_details.task_details) or []


def _duration(task: Any) -> str:
    if not task.start_time or not task.end_time or task.end_time < task.start_time:
        return ""
    return f" after {(task.end_time - task.start_time).total_seconds():.0f} s"
