"""Recurring runs by name: made so that there is one, as wanted, and no two are enabled at a time.

The API knows no update. A recurring run that differs is replaced: the new one is made disabled, the old one disabled, the
new one enabled, the old one deleted (removal.py). Whatever fails on the way, the same call again finishes it; but if the new
one could not be enabled, `resume` does that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import kfp_server_api

from kubeflow.schedule import removal
from kubeflow.schedule.connection import Server, not_found
from kubeflow.schedule.errors import RefusedError, ScheduleError
from kubeflow.schedule.package import Value
from kubeflow.schedule.pipelines import Version, all_pages, named
from kubeflow.schedule.runs import Patience, Report
from kubeflow.schedule.translation import translated


@dataclass(frozen=True)
class RecurringRun:
    """What is wanted. `pipeline_root` and `service_account` are the server's own if None."""

    name: str
    experiment_id: str
    version: Version
    cron: str
    parameters: dict[str, Value] = field(default_factory=dict)
    max_concurrency: int = 1
    catch_up: bool = False
    pipeline_root: str | None = None
    service_account: str | None = None

    def is_met_by(self, found: kfp_server_api.V2beta1RecurringRun) -> bool:
        """Whether a recurring run on the server is this one, its being enabled aside."""
        reference, config = found.pipeline_version_reference, found.runtime_config
        schedule = found.trigger and found.trigger.cron_schedule
        return (
            found.display_name == self.name
            and found.experiment_id == self.experiment_id
            and reference is not None
            and (reference.pipeline_id, reference.pipeline_version_id) == (self.version.pipeline_id, self.version.version_id)
            and schedule is not None
            and (schedule.cron, schedule.start_time, schedule.end_time) == (self.cron, None, None)
            and int(found.max_concurrency or 0) == self.max_concurrency
            and bool(found.no_catchup) == (not self.catch_up)
            and ((config and config.parameters) or {}) == self.parameters
            and ((config and config.pipeline_root) or None) == self.pipeline_root
            and self.service_account in (None, found.service_account)
        )


@dataclass(frozen=True)
class Applied:
    """What `apply` did, and whether the recurring run is enabled.

    `action` is `created`, `replaced`, `switched` (on or off) or `unchanged`.
    """

    recurring_run_id: str
    action: str
    enabled: bool


class RecurringRuns:
    """The recurring runs of a server."""

    def __init__(self, server: Server) -> None:
        self._server = server

    def find(self, name: str | None = None) -> list[Any]:
        """Those of that name, or all; the oldest first."""
        options = {"filter": named(name)} if name is not None else {}
        with translated(self._server.host):
            found = all_pages(
                self._server.client.list_recurring_runs, "recurring_runs", namespace=self._server.namespace, **options
            )
        of_name = [run for run in found if name in (None, run.display_name)]
        return sorted(of_name, key=lambda run: (run.created_at, run.recurring_run_id))

    def apply(self, wanted: RecurringRun, enabled: bool | None, patience: Patience, report: Report) -> Applied:
        """Makes `wanted` the only recurring run of its name. A run in progress of one that it replaces goes on.

        Args:
            wanted: The recurring run.
            enabled: Whether it is to be enabled. None leaves it as it is, and enables a new one.
            patience: How a run in progress is waited for, where the server would delete it with its recurring run.
            report: Called with a line of text.

        Raises:
            RefusedError: Another caller replaced it at the same time.
            WaitTimeoutError: `wanted` is as it should be, but one that it replaces has a run that had not ended in time.
        """
        before = self.find(wanted.name)
        if enabled is None:
            enabled = not before or any(is_enabled(run) for run in before)
        found = before
        if not any(wanted.is_met_by(run) for run in before):
            self._create(wanted)
            found = self.find(wanted.name)
        # Of two callers at once both keep the same one, the oldest.
        kept = next((run for run in found if wanted.is_met_by(run)), None)
        if kept is None:
            raise RefusedError(f"{wanted.name!r} was replaced by another caller at the same time. Try again.")
        surplus = [run for run in found if run is not kept]
        for run in surplus:
            if is_enabled(run):
                removal.pause(self._server, run.recurring_run_id, report)
        switched = is_enabled(kept) != enabled
        if switched:
            try:
                self._switch(kept.recurring_run_id, enabled)
            except ScheduleError as error:
                state, command = ("paused", "resume") if enabled else ("enabled", "pause")
                raise type(error)(
                    f"{error} The recurring run {wanted.name!r} is there, still {state}: `{command}` it."
                ) from error
        for run in surplus:
            removal.delete(self._server, run.recurring_run_id, is_enabled(run), patience, report)
        if not before:
            action = "created"
        elif found is not before or surplus:
            action = "replaced"
        else:
            action = "switched" if switched else "unchanged"
        return Applied(kept.recurring_run_id, action, enabled)

    def switch(self, name: str, enabled: bool) -> bool:
        """Pauses all of that name, or resumes the newest: older ones are what a replacement has not deleted yet.

        Returns:
            Whether that changed anything.

        Raises:
            NotFoundError: There is no recurring run of that name.
        """
        runs = self._of_name(name)
        concerned = [run for run in runs if is_enabled(run)]
        if enabled:
            concerned = [] if concerned else runs[-1:]
        for run in concerned:
            self._switch(run.recurring_run_id, enabled)
        return bool(concerned)

    def delete(self, name: str, patience: Patience, report: Report) -> int:
        """Deletes all of that name; their runs stay, and go on if they are in progress. Returns how many there were.

        Raises:
            NotFoundError: There is no recurring run of that name.
            WaitTimeoutError: A run in progress, which the server would delete, had not ended in time.
        """
        runs = self._of_name(name)
        for run in runs:
            if is_enabled(run):
                removal.pause(self._server, run.recurring_run_id, report)
        for run in runs:
            removal.delete(self._server, run.recurring_run_id, is_enabled(run), patience, report)
        return len(runs)

    def _of_name(self, name: str) -> list[Any]:
        runs = self.find(name)
        if not runs:
            raise not_found("recurring run", name, [str(run.display_name) for run in self.find()])
        return runs

    def _create(self, wanted: RecurringRun) -> None:
        with translated(self._server.host):
            self._server.client.create_recurring_run(
                wanted.experiment_id,
                wanted.name,
                cron_expression=wanted.cron,
                max_concurrency=wanted.max_concurrency,
                no_catchup=not wanted.catch_up,
                params=wanted.parameters,
                pipeline_id=wanted.version.pipeline_id,
                version_id=wanted.version.version_id,
                enabled=False,
                pipeline_root=wanted.pipeline_root,
                service_account=wanted.service_account,
            )

    def _switch(self, recurring_run_id: str, enabled: bool) -> None:
        client = self._server.client
        with translated(self._server.host):
            (client.enable_recurring_run if enabled else client.disable_recurring_run)(recurring_run_id)


def is_enabled(run: kfp_server_api.V2beta1RecurringRun) -> bool:
    """Whether the scheduler starts runs of it."""
    return str(run.status) == "ENABLED"
