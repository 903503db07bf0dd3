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

from components.example_gen.spans import find_source, find_spans, span_number
from pipeline.command import run_command
from pipeline.config import RunConfig


def chosen_spans(text: str, config: RunConfig) -> list[str]:
    """The folder names of the asked-for spans, oldest first.

    Args:
        text: `FROM..TO`, a list, or nothing: then the spans of the window of `config.span`, that one included. Days of a
            range that have no folder are left out.
        config: The run's settings.

    Raises:
        ValueError: The data root has no such span.
    """
    available = find_spans(config.data_root)
    if not available:
        raise ValueError(f"`DATA_ROOT` must hold folders of spans. Received: {config.data_root}, without one.")
    if text and ".." not in text:
        sources = [find_source(config.data_root, name.strip()) for name in text.split(",")]
        return [available[number] for number in sorted({source.span for source in sources})]
    low, high, most = min(available), max(available), len(available)
    if text:
        first, last = text.split("..", 1)
        low, high = _bound(first, low), _bound(last, high)
    else:
        high, most = find_source(config.data_root, config.span).span, config.window_spans + 1
    chosen = [available[number] for number in sorted(available) if low <= number <= high][-most:]
    if not chosen:
        raise ValueError(f"`SPANS` must hold spans of {config.data_root}. Received: {text}, without one.")
    return chosen


def _bound(text: str, default: int) -> int:
    number = span_number(text) if text else default
    if number is None:
        raise ValueError(f"`SPANS` must be bounded by spans: dates, folder names or numbers. Received: {text!r}.")
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.ingest", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("spans", nargs="?", default="", help="FROM..TO, or a list; by default the next run's window")
    text = parser.parse_args(argv).spans

    def body(config: RunConfig, engine: str, console: Console, log: Path) -> int:
        from pipeline.local import ingest

        try:
            spans = chosen_spans(text, config)
        except ValueError as error:
            console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
            return 1
        return ingest(config, spans, engine, console, log)

    return run_command(os.environ, body)


if __name__ == "__main__":
    sys.exit(main())
