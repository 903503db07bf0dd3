"""`community-din score`: the scores of unlabelled rows by a published version."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipeline.beam import SCORE, check_workers
from pipeline.config import RunConfig, check_local
from pipeline.errors import cause_of
from pipeline.scoring.score import Scored, score
from serving.versions import published_versions
from transform.features import DECLARATION


def score_rows(source: str, out: str, config: RunConfig, console: Console, log: Path) -> int:
    """Scores the rows of `source` into the folder `out`, and tells what became of them. Returns the exit status."""
    try:
        check_local("INPUT", source)
        check_local("OUTPUT", out)
        model = _version(config)
        check_workers(config.beam, (SCORE,), {"INPUT": source, "OUTPUT": out})
        scored = score(
            source, out, model, DECLARATION, config.ingestion, config.scoring, beam_args=config.beam.options(SCORE)
        )
    except Exception as error:
        logging.getLogger(__name__).exception("The scoring failed.")
        console.print(Text(f"Error: {cause_of(error)}", style="red"), soft_wrap=True)
        console.print(f"Log: {log}", soft_wrap=True)
        return 1
    console.print(_summary(scored, model, out))
    return 0


def _version(config: RunConfig) -> str:
    """The folder of the version that scores."""
    versions = published_versions(config.serving_root)
    if not versions:
        raise ValueError(f"`STATE_ROOT` must hold a published version. Received: {config.state_root}, without one.")
    wanted = config.scoring.score_version
    if wanted == "newest":
        return versions[max(versions)]
    if wanted not in versions:
        known = ", ".join(map(str, versions))
        raise ValueError(f"`SCORE_VERSION` must be a published version: {known}. Received: {wanted}.")
    return versions[wanted]


def _summary(scored: Scored, model: str, out: str) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("Rows", f"{scored.read} read, {scored.scored} scored, {scored.rejected} rejected")
    if scored.rejected:
        table.add_row("", f"dead letters: {os.path.join(out, 'dead_letters-*.jsonl')}")
    table.add_row("Version", model)
    table.add_row("Scores", f"{len(scored.files)} files, {os.path.join(out, 'scores-*.csv')}")
    return table
