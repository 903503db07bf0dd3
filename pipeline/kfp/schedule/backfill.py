"""Runs for past spans: one a span, oldest first, each waited for, so that each meets the model of the one before."""

from __future__ import annotations

from dataclasses import replace

from pipeline.kfp.schedule import runs
from pipeline.kfp.schedule.connection import Server
from pipeline.kfp.schedule.errors import RunFailedError


def backfill(
    server: Server,
    run: runs.Run,
    parameter: str,
    spans: list[str],
    *,
    keep_going: bool,
    patience: runs.Patience,
    report: runs.Report,
) -> None:
    """Runs the pipeline once for each span.

    Args:
        server: The server.
        run: The run; its name gets the span appended, and its parameter `parameter` becomes the span.
        parameter: The pipeline's parameter that takes a span.
        spans: The spans in the order of the runs.
        keep_going: Go on with the next span when a run fails.
        patience: How each run is waited for.
        report: Called with a line of text.

    Raises:
        RunFailedError: A run failed. The spans that are still to be run are named.
    """
    failed = []
    for position, span in enumerate(spans):
        run_id = runs.start(server, replace(run, name=f"{run.name} {span}", parameters={**run.parameters, parameter: span}))
        report(f"span {span} ({position + 1} of {len(spans)}): {server.link(f'runs/details/{run_id}')}")
        try:
            runs.wait(server, run_id, run.version.package.steps, patience, report)
        except RunFailedError as error:
            if not keep_going:
                rest = ",".join(spans[position:])
                raise RunFailedError(f"{error} Stopped; to go on from there: --spans {rest}") from error
            report(str(error))
            failed.append(span)
    if failed:
        raise RunFailedError(f"{len(failed)} of {len(spans)} runs failed; once more: --spans {','.join(failed)}")
