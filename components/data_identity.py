"""Which artifacts are of the same data.

Data is known by the name that DATA_NAME gives it; without one, by its folder, however the path is written: links are
followed, and a slash at the end is nothing. A mount that has moved, with no link left at its old place, needs the name.
Spans that were ingested from a folder before it had a name belong to the name it has got.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterable

from components.properties import DATA_NAME, DATA_ROOT, AnyArtifact, text

# The setting's value for data without a name.
BY_PATH = "path"


def normalised(data_root: str) -> str:
    """The one way to write a folder's path, or an address such as `gs://bucket/days`."""
    scheme, separator, rest = data_root.partition("://")
    if separator:
        return f"{scheme}://{posixpath.normpath(rest)}"
    return os.path.realpath(data_root) if data_root else ""


def of_same_data(anchor: AnyArtifact, artifacts: Iterable[AnyArtifact]) -> list[AnyArtifact]:
    """Those of the artifacts that are of the anchor's data.

    Two names are two kinds of data, wherever they lie. What has no name belongs to every name its folder has had.

    Args:
        anchor: An artifact with DATA_ROOT, and DATA_NAME if there is one.
        artifacts: All artifacts of a kind: they tell in which folders the named data has lain.
    """
    artifacts = list(artifacts)
    name = text(anchor, DATA_NAME)
    roots = {_root(one) for one in artifacts if name and text(one, DATA_NAME) == name} | {_root(anchor)}
    return [
        one
        for one in artifacts
        if (name and text(one, DATA_NAME) == name) or (_root(one) in roots and not (name and text(one, DATA_NAME)))
    ]


def _root(artifact: AnyArtifact) -> str:
    return normalised(text(artifact, DATA_ROOT))
