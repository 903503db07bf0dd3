"""`make report`: the path of a run's report; it is made anew where the run has left none."""

from __future__ import annotations

import os
from pathlib import Path

import ml_metadata as mlmd
from rich.console import Console
from rich.text import Text

from components.example_gen.spans import EVAL
from components.lineage import PIPELINE_RUN
from components.report.build import build
from components.report.executor import REPORT_HTML
from components.report.sources import OF_RUN, PAST, SERVED
from pipeline.config import RunConfig
from pipeline.pipeline import MODEL_REPORT
from pipeline.results import RunRecord, read_run
from transform.features import DECLARATION


def report(config: RunConfig, store: mlmd.MetadataStore, run_id: str, console: Console) -> int:
    """Prints the path of the report of a run. Returns the exit status: 1 if there is no such run, else 0.

    Args:
        config: The configuration: what a report that is made anew shows, and where it goes.
        store: The metadata store.
        run_id: The run; empty for the last one that came to a model, or else the last one.
        console: Where to print.
    """
    try:
        record, run_id = _record(store, run_id)
    except LookupError as error:
        console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
        return 1
    for artifact in record.all(MODEL_REPORT, "report"):
        path = Path(artifact.uri) / REPORT_HTML
        if path.exists():
            console.print(str(path), soft_wrap=True)
            return 0
    path = Path(config.state_root) / "report" / f"{run_id}.html"
    sources = {name: record.all(node, key) for name, (node, key) in (OF_RUN | PAST | SERVED).items()}
    page = build(sources, DECLARATION, config.report, EVAL)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(page, encoding="utf-8")
    os.replace(partial, path)
    console.print(f"The run has left no report; made from what it has come to:\n{path}", soft_wrap=True)
    return 0


def _record(store: mlmd.MetadataStore, run_id: str) -> tuple[RunRecord, str]:
    """A run, and its id."""
    if run_id:
        return read_run(store, run_id), run_id
    names = [run.name for run in sorted(store.get_contexts_by_type(PIPELINE_RUN), key=lambda run: -run.id)]
    if not names:
        raise LookupError("The metadata store must hold a run. Received: an empty one.")
    for name in names:
        record = read_run(store, name)
        if "trainer" in record.outputs:
            return record, name
    return read_run(store, names[0]), names[0]
