"""Runs one node of the pipeline: `python -m kubeflow.node --run-id ID --ir IR ...`, the command of a step.

The node runs through TFX's own launcher, so that cache, drivers and resolvers work as they do in a local run. The node's IR
and its parameters come as arguments, the metadata store's connection from the environment. Logs go to standard output, the
cause of a failure to standard error. The command may be repeated: a node that is done is not run again, and one that was
killed starts anew.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence

from kubeflow import retried
from kubeflow.step_arguments import add_run_arguments, checked_run_id, given_parameters, prepare_libraries, say_when_ended

_LOG_FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def main(argv: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Runs the command. Returns the exit status: 1 after the cause on standard error, else 0."""
    prepare_libraries()
    parser = argparse.ArgumentParser(prog="python -m kubeflow.node", description=(__doc__ or "").splitlines()[0])
    add_run_arguments(parser)
    parser.add_argument("--ir", required=True, help="the node's IR, as JSON")
    parser.add_argument("--code", required=True, help="the fingerprint of the code that the package was compiled from")
    retried.add_arguments(parser)
    arguments = parser.parse_args(argv)
    say_when_ended()
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format=_LOG_FORMAT, force=True)
    # Beam tells of its types at length.
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    from pipeline.errors import cause_of

    started = time.monotonic()
    try:
        outcome, again = _run(arguments, environment)
    except Exception as error:
        logging.getLogger(__name__).exception("The step failed.")
        sys.stdout.flush()
        print(f"Error: {cause_of(error)}", file=sys.stderr)
        return 1
    print(f"{outcome} after {time.monotonic() - started:.1f} s", flush=True)
    return retried.report(arguments, environment) if again else 0


def _run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> tuple[str, bool]:
    """Runs the node. Returns what became of it, and whether it belongs to a run that was started again after its report."""
    from kubeflow import node_ir, parameters
    from kubeflow.lease import Leases, renewed
    from kubeflow.store import connection_from_environment, open_store
    from pipeline.beam import check_workers
    from pipeline.config import RunConfig
    from pipeline.fingerprint import tree_fingerprint

    run_id = checked_run_id(arguments.run_id)
    found = tree_fingerprint(*node_ir.CODE)
    if found != arguments.code:
        raise ValueError(
            f"The image must hold the code that the package was compiled from. Received: code {found}, compiled from "
            f"{arguments.code}. Build the image and compile the package from the same commit."
        )
    one = node_ir.from_text(arguments.ir)
    config = parameters.configured(RunConfig.from_json(arguments.config), given_parameters(arguments))
    roots = {"data_root": config.data_root, "state_root": config.state_root}
    check_workers(config.beam, (one.nodes[0].pipeline_node.node_info.id,), roots)
    connection = connection_from_environment(environment)

    def open_leases() -> Leases:
        return Leases(open_store(connection), one.pipeline_info.id, arguments.lease_seconds)

    again = open_leases().acquire(run_id).again
    # Takes seconds; a step that must not run has failed before.
    from kubeflow import step_launcher

    parameters.apply(one, config)
    try:
        with renewed(open_leases, run_id, arguments.lease_seconds / 4):
            return step_launcher.launch(one, run_id, connection), again
    except Exception:
        if again:
            retried.tell_of_failure(one.pipeline_info.id, one.nodes[0].pipeline_node.node_info.id, arguments, environment)
        raise


if __name__ == "__main__":
    sys.exit(main())
