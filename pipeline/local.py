"""Local runs, from the first line on the screen to the last."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock

from apache_beam.options.pipeline_options import StandardOptions
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from rich.console import Console
from rich.text import Text
from tfx.orchestration import metadata
from tfx.orchestration.beam.beam_dag_runner import BeamDagRunner
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.portable.tfx_runner import IrBasedRunner

from pipeline.advice import on_this_machine
from pipeline.beam import check_workers
from pipeline.config import RunConfig
from pipeline.display import Display
from pipeline.errors import NodeError, cause_of
from pipeline.launcher import displayed
from pipeline.pipeline import INGESTION, NODES, create_pipeline
from pipeline.results import read_run
from pipeline.summary import print_ingestion, print_summary


def run(config: RunConfig, console: Console, log: Path) -> int:
    """Runs the pipeline and prints its summary. Returns the exit status: 0, or 1 if a node failed."""
    try:
        run_ids = run_nodes(config, console, tuple(NODES))
    except NodeError as failure:
        print_failure(failure, console)
        console.print(f"Log: {log}\nWhat is done is kept: the same command goes on from there.", soft_wrap=True)
        return 1
    if not run_ids:
        log.unlink()
    for run_id in run_ids:
        record = read_run(MetadataStore(connection(config)), run_id)
        print_summary(config, record, console, on_this_machine(config), log)
    return 0


def ingest(config: RunConfig, spans: Sequence[str], console: Console, log: Path) -> int:
    """Ingests and validates spans, oldest first, so that later runs find them in their windows.

    A span that fails does not keep the others from being ingested. Returns the exit status: 1 if one failed, else 0.
    """
    failed = []
    for span in spans:
        console.print(Text(f"{span}", style="bold"))
        config = config.replace(span=span)
        try:
            for run_id in run_nodes(config, console, INGESTION):
                print_ingestion(config, read_run(MetadataStore(connection(config)), run_id), console)
        except NodeError as failure:
            print_failure(failure, console)
            failed.append(span)
    if failed:
        console.print(f"Not ingested: {', '.join(failed)}. Log: {log}", soft_wrap=True)
    return 1 if failed else 0


def run_nodes(config: RunConfig, console: Console, nodes: tuple[str, ...]) -> set[str]:
    """Runs some of the pipeline's nodes. Returns the run's id, or nothing if the runner was told not to run."""
    try:
        check_workers(config.beam, nodes, {"DATA_ROOT": config.data_root, "STATE_ROOT": config.state_root})
        pipeline = create_pipeline(config, nodes, connection(config))
        with displayed(Display(console, len(pipeline.components))) as run_ids, _runner(config.engine) as runner:
            runner.run(pipeline)
    except Exception as error:
        logging.getLogger(__name__).exception("The run failed.")
        raise _node_error(error) from error
    return run_ids


def connection(config: RunConfig) -> metadata_store_pb2.ConnectionConfig:
    """The metadata store of a run on this machine."""
    return metadata.sqlite_metadata_connection_config(config.metadata_path)


def print_failure(failure: NodeError, console: Console) -> None:
    """Says which node failed, and why."""
    console.print(Text(f"\nFailed in {failure.node}: {failure.cause}", style="red"), soft_wrap=True)


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
