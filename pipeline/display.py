"""What a person sees while the pipeline runs; the libraries' own output goes to a log file."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

DONE = "done"
CACHED = "cached"
_FILE_WIDTH = 120


class Display:
    """Prints a line for each node; where the output is a terminal, the line of the node at work is alive.

    Args:
        console: Where to print.
        total: How many nodes there are.
    """

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        self._total = total
        self._count = 0

    def node(self, name: str, task: str) -> NodeLine:
        """Starts the next node's line."""
        self._count += 1
        return NodeLine(self.console, f"[{self._count}/{self._total}] {name}", task)


class NodeLine:
    """A node's line: what it does, for how long, and how it went. Use it as a context."""

    def __init__(self, console: Console, title: str, task: str) -> None:
        self._console = console
        self._title = title
        self._task = task
        self._started = time.monotonic()
        self._detail = ""
        self._spinner = Spinner("dots")
        self._live = Live(console=console, refresh_per_second=8, transient=True, get_renderable=self._render)

    def __enter__(self) -> NodeLine:
        if self._console.is_terminal:
            self._live.start()
        else:
            self._console.print(Text(f"    {self._title:26} {self._task}"))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._live.stop()
        if kind is not None:
            self._console.print(Text(f"  ✗ {self._title:26} failed after {self._elapsed()}", style="red"))

    def finish(self, outcome: str) -> None:
        """Ends the line: `DONE`, or `CACHED`, and the time it took."""
        self._live.stop()
        text = Text(f"  ✓ {self._title:26} ", style="green")
        text.append(f"{self._task:39}{self._elapsed():>8}", style="default")
        if outcome != DONE:
            text.append(f"  {outcome}", style="dim")
        self._console.print(text)

    def detail(self, text: str) -> None:
        """Shows how far the node is."""
        self._detail = text
        if self._console.is_terminal:
            self._live.refresh()
        else:
            self._console.print(Text(f"      {text}"))

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._started:.1f} s"

    def _render(self) -> Spinner:
        detail = f"  {self._detail}" if self._detail else ""
        self._spinner.update(text=Text(f"{self._title:26} {self._task}  {self._elapsed()}{detail}", no_wrap=True))
        return self._spinner


class DetailHandler(logging.Handler):
    """Shows a logger's messages as a node's detail."""

    def __init__(self, line: NodeLine) -> None:
        super().__init__()
        self._line = line

    def emit(self, record: logging.LogRecord) -> None:
        self._line.detail(record.getMessage())


@contextlib.contextmanager
def logged(path: Path) -> Iterator[Console]:
    """Sends everything written to standard output and error, by C++ code too, to the file `path`.

    Yields:
        A console on the original standard output.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with open(path, "ab", buffering=0) as log, open(kept[0], "w", closefd=False, encoding="utf-8") as terminal:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        try:
            yield Console(file=terminal, highlight=False, width=None if os.isatty(kept[0]) else _FILE_WIDTH)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)
            for descriptor in kept:
                os.close(descriptor)
