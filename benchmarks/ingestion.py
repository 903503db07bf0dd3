"""Measures the nodes that read all rows, beside TFX's own, on the same synthetic rows.

    python -m benchmarks.ingestion --rows 200000 2000000

Each measurement has a process of its own, with Beam's FnApiRunner in memory and one worker, or with `--processes`. CPU
seconds are those of the executor's `Do`, all threads, without the process's own imports, but with those of its worker
processes; peak memory is that of the largest process, imports included.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.ingestion_steps import Measurement
from data.synthesize.synthesis import SynthesisConfig, synthesize

STOCK = "CsvExampleGen"
OURS = "InteractionExampleGen"
STOCK_STATISTICS = "StatisticsGen"
OUR_STATISTICS = "TokenStatisticsGen"
DOWNSTREAM = (OUR_STATISTICS, "Transform")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0 if the targets hold: as many rows per CPU second as stock, and flat memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingestion", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000, 2_000_000], help="sizes (%(default)s)")
    parser.add_argument("--with-downstream", action="store_true", help="measure statistics and transform as well")
    parser.add_argument("--without-stock", action="store_true", help="measure none of TFX's own")
    parser.add_argument("--processes", type=int, default=0, help="worker processes (%(default)s: in memory)")
    arguments = parser.parse_args(argv)
    console = Console(width=110, soft_wrap=True)
    console.print(f"{datetime.date.today()}, {os.cpu_count()} CPUs, {_memory_gib()} GiB, Python {platform.python_version()}")
    table = Table("rows", "step", "CPU s", "wall s", "rows per CPU s", "peak MiB")
    ours = [OURS, *(DOWNSTREAM if arguments.with_downstream else ())]
    # Stock statistics are those of our examples: they come after them.
    stock = [] if arguments.without_stock else [STOCK, *([STOCK_STATISTICS] if arguments.with_downstream else ())]
    measured: dict[tuple[str, int], Measurement] = {}
    for rows in sorted(arguments.rows):
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "source"
            synthesize(SynthesisConfig(rows=rows, spans=1), source)
            for step in [*ours, *stock]:
                measured[step, rows] = _measure(step, source, Path(folder), arguments.processes)
                _add(table, rows, step, measured[step, rows])
        if arguments.with_downstream:
            _add(table, rows, f"{OURS} to {DOWNSTREAM[-1]}", _sum([measured[step, rows] for step in ours]))
    console.print(table)
    return 0 if _holds(console, measured) else 1


def _measure(step: str, source: Path, folder: Path, processes: int) -> Measurement:
    paths = [str(source), str(folder / "out")]
    command = [sys.executable, "-m", "benchmarks.ingestion_steps", step, *paths, str(processes)]
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    measured = Measurement(**json.loads(run.stdout.splitlines()[-1]))
    print(f"{step}: {measured}", file=sys.stderr)
    return measured


def _add(table: Table, rows: int, step: str, measured: Measurement) -> None:
    speed = f"{rows / measured.cpu_seconds:,.0f}"
    table.add_row(
        f"{rows:,}", step, f"{measured.cpu_seconds:.1f}", f"{measured.wall_seconds:.1f}", speed, f"{measured.peak_mib:,}"
    )


def _sum(measured: Sequence[Measurement]) -> Measurement:
    return Measurement(
        sum(one.cpu_seconds for one in measured),
        sum(one.wall_seconds for one in measured),
        max(one.peak_mib for one in measured),
    )


def _holds(console: Console, measured: dict[tuple[str, int], Measurement]) -> bool:
    sizes = sorted({rows for _, rows in measured})
    verdicts = []
    for rows in sizes:
        if (STOCK, rows) in measured:
            ratio = measured[STOCK, rows].cpu_seconds / measured[OURS, rows].cpu_seconds
            verdicts.append((f"rows per CPU second at {rows:,} rows: {ratio:.1f} times {STOCK}'s, bound 1", ratio >= 1))
    growth = measured[OURS, sizes[-1]].peak_mib / measured[OURS, sizes[0]].peak_mib
    verdicts.append((f"peak memory from {sizes[0]:,} to {sizes[-1]:,} rows: times {growth:.2f}, bound 1.25", growth <= 1.25))
    for rows in sizes:
        if (STOCK_STATISTICS, rows) in measured:
            ratio = measured[OUR_STATISTICS, rows].cpu_seconds / measured[STOCK_STATISTICS, rows].cpu_seconds
            console.print(f"CPU of {OUR_STATISTICS} at {rows:,} rows: {ratio:.2f} times that of {STOCK_STATISTICS}")
    for text, holds in verdicts:
        console.print(f"{text}: {'holds' if holds else 'FAILS'}")
    return all(holds for _, holds in verdicts)


def _memory_gib() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


if __name__ == "__main__":
    sys.exit(main())
