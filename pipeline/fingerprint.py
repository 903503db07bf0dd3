"""Fingerprints of source code, so that TFX's cache sees when the code behind a node has changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pipeline.config import REPOSITORY


def code_fingerprint(*parts: str, root: Path = REPOSITORY) -> str:
    """A digest of the Python files in the named folders (and of the named files) under `root`."""
    digest = hashlib.sha256()
    for part in parts:
        path = root / part
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(file.relative_to(root).as_posix().encode() + b"\0")
            digest.update(file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
