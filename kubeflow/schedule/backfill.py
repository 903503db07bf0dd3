"""Runs for past spans: one a span, oldest first, each waited for, so that each meets the model of the one before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from kubeflow.schedule import runs
from kubeflow.schedule.connection import Server
from kubeflow.schedule.errors import RunFailedError, ScheduleError


def backfill(
    server: Server,
    run: runs.Run,
    parameter: str,
    spans: list[str],
    *,
    keep_going: bool,
    patience: runs.Patience,
    report: runs.Report,
    command: Callable[[list[str]], str],
) -> None:
    """Runs the pipeline once for each span. A run of the same name that is under way or has succeeded is not started again.

    Args:
        server: The server.
        run: The run; its name gets the span appended, and its parameter `parameter` becomes the span.
        parameter: The pipeline's parameter that takes a span.
        spans: The spans in the order of the runs.
        keep_going: Go on with the next span when a run fails.
        patience: How each run is waited for.
        report: Called with a line of text.
        command: Tells the command that does the spans which are still to be done.

    Raises:
        RunFailedError: A run failed.
        ScheduleError: The server could not be asked, a token has expired, or a run had not ended in time. Each of these says
            which command goes on from there.
    """
    failed: list[str] = []
    for position, span in enumerate(spans):
        rest = [*failed, *spans[position:]]
        of_span = replace(run, name=f"{run.name} {span}", parameters={**run.parameters, parameter: span})
        try:
            run_id = runs.find(server, of_span)
            state = "is there" if run_id else "started"
            run_id = run_id or runs.start(server, of_span)
            report(f"span {span} ({position + 1} of {len(spans)}) {state}: {server.link(f'runs/details/{run_id}')}")
            runs.wait(server, run_id, run.version.package.steps, patience, report)
        except KeyboardInterrupt:
            report(f"To go on from there: {command(rest)}")
            raise
        except ScheduleError as error:
            if not (keep_going and isinstance(error, RunFailedError)):
                raise type(error)(f"{error} To go on from there: {command(rest)}") from error
            report(str(error))
            failed.append(span)
    if failed:
        raise RunFailedError(f"{len(failed)} of {len(spans)} runs failed. Once more: {command(failed)}")
