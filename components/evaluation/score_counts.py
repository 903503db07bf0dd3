"""How many rows of each label have which score, by model: what ROC, calibration and distribution are drawn of."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from tfx.dsl.io import fileio

from components.evaluation.sums import FINE_BINS, FINE_LIMIT, SliceSums

SCORE_COUNTS = "score_counts.json"
# Bins of 1/32 logit.
BINS = 1024


@dataclasses.dataclass(frozen=True)
class ScoreCounts:
    """Of each model, the rows by the bin of their score and by label, int [BINS, 2]; bins are equal in logit."""

    models: Mapping[str, npt.NDArray[np.int64]]

    @classmethod
    def of(cls, sums: SliceSums) -> ScoreCounts:
        """The counts of the rows that were summed up."""
        return cls({name: of.fine.reshape(BINS, FINE_BINS // BINS, 2).sum(axis=1) for name, of in sums.models.items()})

    def write(self, uri: str) -> None:
        """Writes them into the folder of an evaluation; bins without rows are left out."""
        values = {
            name: [[int(index), *map(int, counts[index])] for index in np.flatnonzero(counts.sum(axis=1))]
            for name, counts in self.models.items()
        }
        with fileio.open(os.path.join(uri, SCORE_COUNTS), "w") as file:
            file.write(json.dumps({"bins": BINS, "limit": FINE_LIMIT, "models": values}))


def read_score_counts(uri: str) -> ScoreCounts | None:
    """What was written into the folder of an evaluation; None if it is of a release that wrote none."""
    path = os.path.join(uri, SCORE_COUNTS)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as file:
        values = json.loads(file.read())
    models = {}
    for name, bins in values["models"].items():
        models[name] = np.zeros((values["bins"], 2), np.int64)
        for index, *counts in bins:
            models[name][index] = counts
    return ScoreCounts(models)


def bin_logits() -> npt.NDArray[np.float64]:
    """The logit of each bin's middle, [BINS]."""
    return np.asarray((np.arange(BINS) + 0.5) * (2 * FINE_LIMIT / BINS) - FINE_LIMIT, np.float64)
