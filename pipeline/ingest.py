"""Ingests spans without training on them: `python -m pipeline.ingest [SPANS]`.

SPANS is `FROM..TO` (folder names, dates or numbers, both included) or a list separated by commas. Without it, the spans that
the window of the next run needs are ingested. Other settings come from the environment, as for a run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pipeline.command import run_command
from pipeline.config import RunConfig


def chosen_spans(text: str, config: RunConfig, available: Mapping[int, str]) -> list[str]:
    """The folder names of the asked-for spans, oldest first.

    Args:
        text: `FROM..TO`, a list, or nothing: then the spans of the window of `config.span`, that one included.
        config: The run's settings.
        available: What the data root holds: folder names by number.

    Raises:
        ValueError: The data root has no such span.
    """
    numbers = {name: number for number, name in available.items()}

    def number(name: str) -> int:
        for known in (name, f"span-{name}"):
            if known in numbers:
                return numbers[known]
        raise ValueError(f"`SPANS` must name spans of {config.data_root}. Received: {name!r}, which it does not have.")

    if not available:
        raise ValueError(f"`DATA_ROOT` must hold folders of spans. Received: {config.data_root}, without one.")
    if not text:
        last = max(available) if config.span == "newest" else number(config.span)
        return [available[n] for n in sorted(available) if n <= last][-config.window_spans - 1 :]
    if ".." in text:
        first, last_name = text.split("..", 1)
        low, high = (number(first) if first else min(available)), (number(last_name) if last_name else max(available))
        return [available[n] for n in sorted(available) if low <= n <= high]
    return [available[n] for n in sorted({number(name.strip()) for name in text.split(",")})]


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m pipeline.ingest", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("spans", nargs="?", default="", help="FROM..TO, or a list; by default the next run's window")
    text = parser.parse_args(argv).spans

    def body(config: RunConfig, engine: str, console: Console, log: Path) -> int:
        from components.example_gen.spans import find_spans
        from pipeline.local import ingest

        try:
            spans = chosen_spans(text, config, find_spans(config.data_root))
        except ValueError as error:
            console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
            return 1
        return ingest(config, spans, engine, console, log)

    return run_command(os.environ, body)


if __name__ == "__main__":
    sys.exit(main())
