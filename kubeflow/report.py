"""Reports how a run went: `python -m kubeflow.report --run-id ID ...`, the last step, which runs however the others end.

It gives the run's lease back, prints the run's summary, or which nodes are not done, and tells the webhook, if there is one.
What has become of the nodes is read from the metadata store; Kubeflow's own view of the run is only passed on.

The command may be repeated: the webhook is told an outcome once. One that was told of a failure is also told if the run ends
well after all.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kubeflow.notify import WEBHOOK, post
from kubeflow.step_arguments import add_run_arguments, checked_run_id, given_parameters, prepare_libraries

if TYPE_CHECKING:
    import ml_metadata as mlmd

NOTIFY = ("never", "failure", "always")


def main(argv: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Runs the command. Returns the exit status: 1 if the report could not be made or sent, else 0, also of a failed run."""
    parser = argparse.ArgumentParser(prog="python -m kubeflow.report", description=(__doc__ or "").splitlines()[0])
    add_run_arguments(parser)
    parser.add_argument("--status", default="", help="how Kubeflow sees the run's end, as JSON")
    parser.add_argument("--nodes", required=True, help="the ids of the run's nodes, separated by commas")
    parser.add_argument("--notify", choices=NOTIFY, default="never", help="of which runs the webhook is told")
    arguments = parser.parse_args(argv)
    prepare_libraries()
    pipeline = json.loads(arguments.config)["pipeline_name"]
    errors: list[str] = []
    failure = "its nodes are unknown: the metadata store could not be read"
    store = None
    try:
        opened = store_of(environment)
        failure = _end(opened, pipeline, arguments)
        store = opened
        if not failure:
            _print_summary(store, arguments)
        errors += _tell_prometheus(store, arguments, bool(failure))
    except Exception as error:
        errors.append(f"The report is not complete: {error}")
    outcome = f"failed: {failure}" if failure else "succeeded"
    print(f"{pipeline}: run {arguments.run_id} {outcome}.", flush=True)
    if arguments.notify != "never":
        try:
            notify(store, pipeline, arguments, outcome, environment)
        except Exception as error:
            errors.append(f"{error}")
    for line in errors:
        print(f"Error: {line}", file=sys.stderr)
    return 1 if errors else 0


def store_of(environment: Mapping[str, str]) -> mlmd.MetadataStore:
    """The metadata store that the environment names."""
    from kubeflow.store import connection_from_environment, open_store

    return open_store(connection_from_environment(environment))


def _end(store: mlmd.MetadataStore, pipeline: str, arguments: argparse.Namespace) -> str:
    """Gives the lease back. Returns what is wrong with the run, or an empty text."""
    from kubeflow.lease import Leases
    from kubeflow.states import DONE, node_states

    run_id = checked_run_id(arguments.run_id)
    Leases(store, pipeline, arguments.lease_seconds).release(run_id)
    states = node_states(store, run_id)
    open_nodes = [node for node in arguments.nodes.split(",") if states.get(node) not in DONE]
    started = [node for node in open_nodes if node in states]
    waiting = [node for node in open_nodes if node not in states]
    parts = [f"{', '.join(started)} did not end well"] if started else []
    return "; ".join([*parts, f"{', '.join(waiting)} did not run"] if waiting else parts)


def notify(
    store: mlmd.MetadataStore | None,
    pipeline: str,
    arguments: argparse.Namespace,
    outcome: str,
    environment: Mapping[str, str],
) -> None:
    """Tells the webhook what it is to be told and does not know. Without a store nobody knows what it knows: it is told."""
    from kubeflow.notified import remember, told

    before = told(store, pipeline, arguments.run_id) if store is not None else ""
    if before == outcome:
        print("The webhook knows it already.", flush=True)
        return
    if arguments.notify == "failure" and outcome == "succeeded" and not before:
        return
    post(environment.get(WEBHOOK, ""), _message(pipeline, arguments, outcome))
    if store is not None:
        remember(store, pipeline, arguments.run_id, outcome)


def _print_summary(store: mlmd.MetadataStore, arguments: argparse.Namespace) -> None:
    from rich.console import Console

    from components.report.executor import REPORT_HTML
    from kubeflow import parameters
    from pipeline.advice import on_kubeflow
    from pipeline.config import RunConfig
    from pipeline.pipeline import MODEL_REPORT
    from pipeline.results import read_run
    from pipeline.summary import print_ingestion, print_summary

    config = parameters.configured(RunConfig.from_json(arguments.config), given_parameters(arguments))
    run = read_run(store, arguments.run_id)
    console = Console(file=sys.stdout, highlight=False, width=120)
    if "trainer" in arguments.nodes.split(","):
        print_summary(config, run, console, on_kubeflow())
        for report in run.all(MODEL_REPORT, "report"):
            print(f"Report: {os.path.join(report.uri, REPORT_HTML)}")
    else:
        print_ingestion(config, run, console)


def _tell_prometheus(store: mlmd.MetadataStore, arguments: argparse.Namespace, failed: bool) -> list[str]:
    """Tells the push gateway, if there is one. Returns what went wrong."""
    from pipeline.config import RunConfig

    config = RunConfig.from_json(arguments.config)
    if config.metrics.push_gateway is None or "trainer" not in arguments.nodes.split(","):
        return []
    from pipeline.run_metrics import facts_of, tell

    return tell(config, None if failed else facts_of(store, arguments.run_id), textfile=False)


def _message(pipeline: str, arguments: argparse.Namespace, outcome: str) -> dict[str, str]:
    return {
        # The same whenever the same is told.
        "id": f"{pipeline}/{arguments.run_id}/{hashlib.sha256(outcome.encode()).hexdigest()[:12]}",
        "text": f"{pipeline}: run {arguments.run_id} {outcome}.",
        "pipeline": pipeline,
        "run_id": arguments.run_id,
        "outcome": outcome,
        "kubeflow_status": arguments.status,
    }


if __name__ == "__main__":
    sys.exit(main())
