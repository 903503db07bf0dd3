"""The bounds that a model was held to, beside its evaluation."""

from __future__ import annotations

import os

from tfx.dsl.io import fileio

from components.evaluation.bounds import Bounds

_BOUNDS = "bounds.json"


def write_bounds(uri: str, bounds: Bounds) -> None:
    """Writes them into the folder of an evaluation."""
    with fileio.open(os.path.join(uri, _BOUNDS), "w") as file:
        file.write(bounds.to_json())


def read_bounds(uri: str) -> Bounds | None:
    """Reads them from the folder of an evaluation; None if it is of a release that wrote none."""
    path = os.path.join(uri, _BOUNDS)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as file:
        return Bounds.from_json(file.read())
