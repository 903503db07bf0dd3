"""What steps do of the report's work in a run that was started again by Kubeflow's "Retry".

Kubeflow Pipelines keeps what has succeeded of a run, the report among it, and repeats what has failed. So the last node of
such a run reports in the report's place, and a node that fails tells the webhook.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping

from kubeflow import report as report_step


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what a step must know for that; `--nodes` is given to the last node only."""
    parser.add_argument(
        "--nodes", help="the ids of the run's nodes, separated by commas: report, if the run is started again"
    )
    parser.add_argument("--notify", choices=report_step.NOTIFY, default="never", help="of which runs the webhook is told")
    # How Kubeflow sees the run's end, the report alone knows.
    parser.set_defaults(status="")


def report(arguments: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Reports, if the step's node is the last one. Returns the exit status."""
    if not arguments.nodes:
        return 0
    given = [word for pair in arguments.set for word in ("--set", *pair)]
    given += ["--run-id", arguments.run_id, "--config", arguments.config, "--lease-seconds", str(arguments.lease_seconds)]
    return report_step.main([*given, "--nodes", arguments.nodes, "--notify", arguments.notify], environment)


def tell_of_failure(pipeline: str, node: str, arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    """Tells the webhook, if there is one, that an attempt has failed; of all attempts of a node, it is told once."""
    if arguments.notify == "never":
        return
    try:
        store = report_step.store_of(environment)
        report_step.notify(store, pipeline, arguments, f"failed again: {node} did not end well", environment)
    except Exception:
        # What the step has failed of is said after this.
        logging.getLogger(__name__).exception("The webhook could not be told.")
