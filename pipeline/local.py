"""A local run, from its first line on the screen to its last."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from apache_beam.options.pipeline_options import StandardOptions
from rich.console import Console
from rich.text import Text
from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable.tfx_runner import IrBasedRunner

from pipeline.config import RunConfig
from pipeline.display import Display
from pipeline.launcher import NodeError, cause_of, displayed
from pipeline.pipeline import NODES, create_pipeline
from pipeline.summary import print_summary


def run(config: RunConfig, engine: str, console: Console, log: Path) -> int:
    """Runs the pipeline and prints its summary. Returns the exit status: 0, or 1 if a node failed."""
    try:
        with displayed(Display(console, len(NODES))) as run_ids, _runner(engine) as runner:
            runner.run(create_pipeline(config))
    except Exception as error:
        logging.getLogger(__name__).exception("The run failed.")
        failure = _node_error(error)
        console.print(Text(f"\nFailed in {failure.node}: {failure.cause}", style="red"), soft_wrap=True)
        console.print(f"Log: {log}\nWhat is done is kept: the same command goes on from there.", soft_wrap=True)
        return 1
    if not run_ids:
        log.unlink()
    for run_id in run_ids:
        print_summary(config, run_id, console, log)
    return 0


@contextlib.contextmanager
def _runner(engine: str) -> Iterator[IrBasedRunner]:
    if engine == "local":
        yield LocalDagRunner()
    else:
        # BeamDagRunner passes no options to its own Beam pipeline, whose default runner would first try to download Prism.
        with mock.patch.object(StandardOptions, "DEFAULT_RUNNER", "FnApiRunner"):
            yield BeamDagRunner()


def _node_error(error: BaseException) -> NodeError:
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, NodeError):
            return found
        found = found.__cause__ or found.__context__
    return NodeError("the runner", cause_of(error))
