"""Poisson bootstrap over clients: how often each client counts in each resampling."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

_MOST = 20  # more than once in 10^18 draws a Poisson(1) number is larger
_CUMULATIVE = np.cumsum([math.exp(-1) / math.factorial(count) for count in range(_MOST)])
_THRESHOLDS = (_CUMULATIVE[:-1] * 2**53).astype(np.uint64)


def resampled(clients: npt.NDArray[np.int64], resamplings: int, seed: int) -> npt.NDArray[np.float32]:
    """How often each client counts: once in column 0, Poisson(1) times in the others, [clients, 1 + resamplings].

    A client's numbers depend on it, the column and the seed alone: not on the other clients, nor on who computes them. So
    two models that are measured on the same rows are resampled alike.

    Args:
        clients: Hashes that stand for the clients, [clients].
        resamplings: The number of resamplings.
        seed: The seed.
    """
    columns = _mixed(np.arange(1, resamplings + 1, dtype=np.uint64) + np.uint64(seed << 32))
    drawn = _mixed(clients.astype(np.uint64)[:, None] ^ columns)
    weights = np.ones((len(clients), resamplings + 1), np.float32)
    weights[:, 1:] = np.searchsorted(_THRESHOLDS, drawn >> np.uint64(11), side="right")
    return weights


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """SplitMix64's output function (Steele, Lea and Flood, OOPSLA 2014)."""
    with np.errstate(over="ignore"):
        values = values + np.uint64(0x9E3779B97F4A7C15)
        values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return values ^ (values >> np.uint64(31))
