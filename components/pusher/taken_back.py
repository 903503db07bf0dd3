"""Which models were taken back: a file beside the versions, so that whoever publishes there finds it.

Servers pass over its name, which is no number.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping

from tfx.dsl.io import fileio

from components.pusher.files import Files

FILE = ".taken_back.json"


@dataclasses.dataclass(frozen=True)
class TakenBack:
    """That a model must not be published: the version that it was, why it was taken back, and when (ISO 8601)."""

    version: int
    reason: str
    time: str


class TakenBackError(ValueError):
    """A model was taken back."""

    def __init__(self, entry: TakenBack) -> None:
        super().__init__(f"this model was taken back on {entry.time}, as version {entry.version}: {entry.reason}")
        self.entry = entry


def read_taken_back(base_path: str, files: Files) -> dict[str, TakenBack]:
    """The models that were taken back, by the digest of their files.

    Raises:
        ValueError: The file cannot be understood; then nothing must be published.
    """
    path = os.path.join(base_path, FILE)
    if not files.exists(path):
        return {}
    with files.open(path, "rb") as source:
        content = source.read()
    try:
        return {digest: TakenBack(**entry) for digest, entry in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} must hold which models were taken back, as JSON. Received: {content[:80]!r}.") from error


def write_taken_back(base_path: str, entries: Mapping[str, TakenBack]) -> None:
    """Replaces what `read_taken_back` reads, as a whole."""
    path = os.path.join(base_path, FILE)
    whole = {digest: dataclasses.asdict(entry) for digest, entry in entries.items()}
    with fileio.open(f"{path}.new", "w") as written:
        written.write(json.dumps(whole, indent=1, sort_keys=True) + "\n")
    fileio.rename(f"{path}.new", path, overwrite=True)
