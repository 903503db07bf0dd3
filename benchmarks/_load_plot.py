"""Draws a load test: how the latencies spread, and how they went over time."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator

from benchmarks._load import PERCENTILES, LoadResult

_COLOURS = dict(zip(PERCENTILES, ("tab:blue", "tab:green", "tab:orange", "tab:red"), strict=True))
_PERIODS = 40


def draw(result: LoadResult, title: str, path: Path) -> None:
    """Writes a PNG. Raises ValueError if no request was answered."""
    if not len(result.latencies):
        raise ValueError("A plot needs answered requests. Received: none.")
    with mpl.rc_context({"backend": "agg"}):
        figure, (spread, course) = plt.subplots(1, 2, figsize=(12, 4.5), layout="constrained")
    figure.suptitle(title)
    _draw_spread(result, spread)
    _draw_course(result, course)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _draw_spread(result: LoadResult, axes: Axes) -> None:
    milliseconds = result.latencies * 1000
    edges = np.geomspace(milliseconds.min() * 0.95, milliseconds.max() * 1.05, 60)
    axes.hist(milliseconds, bins=edges.tolist(), color="lightsteelblue")
    for percent, colour in _COLOURS.items():
        value = result.percentile(percent) * 1000
        axes.axvline(value, color=colour, label=f"p{percent}: {value:.1f} ms")
    axes.set(xscale="log", xlabel="latency, ms", ylabel="requests", title="Spread")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.legend()


def _draw_course(result: LoadResult, axes: Axes) -> None:
    edges = np.linspace(0.0, result.duration, _PERIODS + 1)
    period = np.clip(np.digitize(result.starts, edges) - 1, 0, _PERIODS - 1)
    filled = np.unique(period)
    centres = (edges[filled] + edges[filled + 1]) / 2
    for percent, colour in _COLOURS.items():
        values = [np.percentile(result.latencies[period == p], percent) * 1000 for p in filled]
        axes.plot(centres, values, color=colour, label=f"p{percent}")
    axes.set(xlabel="seconds since the start", ylabel="latency, ms", title="Over time", ylim=(0, None))
    axes.legend()
