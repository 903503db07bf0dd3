"""Ingests spans without training on them: `python -m pipeline.ingest [SPANS]`.

SPANS is `FROM..TO` (folder names, dates or numbers, both included) or a list separated by commas. Without it, the spans that
the window of the next run needs are ingested. Other settings come from the environment, as for a run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipeline.command import run_command
from pipeline.config import RunConfig


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.ingest", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("spans", nargs="?", default="", help="FROM..TO, or a list; by default the next run's window")
    text = parser.parse_args(argv).spans

    def body(config: RunConfig, engine: str, console: Console, log: Path) -> int:
        from pipeline.local import ingest
        from pipeline.span_choice import chosen_spans

        try:
            spans = chosen_spans(text, config)
        except ValueError as error:
            console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
            return 1
        return ingest(config, spans, engine, console, log)

    return run_command("make ingest", os.environ, body)


if __name__ == "__main__":
    sys.exit(main())
