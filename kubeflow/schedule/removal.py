"""Deletes recurring runs and leaves the runs alone that they started.

Kubernetes deletes what belongs to an object with it, and a run in progress belongs to its recurring run. Since 2.16 the API
takes the wish to orphan it. Before, the recurring run stays, paused, until its run has ended. (Kubeflow Pipelines:
DeleteJob in backend/src/apiserver/resource/resource_manager.go, SetOwnerReferences in the controller's NewWorkflow.)
"""

from __future__ import annotations

import time
from contextlib import suppress

from kubeflow.schedule.connection import Server
from kubeflow.schedule.errors import NotFoundError, RefusedError, WaitTimeoutError
from kubeflow.schedule.runs import Patience, Report, in_progress
from kubeflow.schedule.translation import translated


def pause(server: Server, recurring_run_id: str, report: Report) -> None:
    """Keeps it from starting runs until it is deleted. Another caller may have deleted it already."""
    try:
        with suppress(NotFoundError), translated(server.host):
            server.client.disable_recurring_run(recurring_run_id)
    except RefusedError as error:
        # So the server answers if Kubernetes' object is gone, and only its own record is left; that can be deleted.
        report(f"{recurring_run_id} could not be paused before it is deleted: {error}")


def delete(server: Server, recurring_run_id: str, just_paused: bool, patience: Patience, report: Report) -> None:
    """Deletes a paused recurring run, once nothing is lost by it.

    Args:
        server: The server.
        recurring_run_id: Which.
        just_paused: Whether it started runs until now: then the one that it may have started in this moment is given time to
            come to light, for the server learns of it later (and drops what it does not know when its owner is gone).
        patience: How the run in progress is waited for.
        report: Called with a line of text.

    Raises:
        WaitTimeoutError: The run in progress had not ended in time. The recurring run is still there, paused.
    """
    if not server.orphans:
        _wait_for_runs(server, recurring_run_id, 2 if just_paused else 1, patience, report)
    elif just_paused:
        time.sleep(patience.interval)
    # Another caller may have deleted it already.
    call = server.client.recurring_runs.recurring_run_service_delete_recurring_run
    with suppress(NotFoundError), translated(server.host):
        call(recurring_run_id, propagation_policy="ORPHAN")


def _wait_for_runs(server: Server, recurring_run_id: str, looks: int, patience: Patience, report: Report) -> None:
    """Waits until so many looks in a row found no run in progress."""
    deadline = None if patience.timeout is None else time.monotonic() + patience.timeout
    told: set[str] = set()
    without = 0
    while True:
        runs = in_progress(server, recurring_run_id)
        without = 0 if runs else without + 1
        if without >= looks:
            return
        for run_id in sorted(set(runs) - told):
            report(
                f"the server ({server.version}) would delete the run in progress with its recurring run, which is paused;"
                f" waiting for the run to end: {server.link(f'runs/details/{run_id}')}"
            )
        told.update(runs)
        if runs and deadline is not None and time.monotonic() >= deadline:
            raise WaitTimeoutError(
                f"The recurring run {recurring_run_id} is paused, and the same call deletes it once its run has ended:"
                f" {', '.join(runs)} had not after {patience.timeout:.0f} s."
            )
        time.sleep(patience.interval)
