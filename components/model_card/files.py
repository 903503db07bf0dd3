"""Where a model card lies: in its artifact, and beside the model that it is of."""

from __future__ import annotations

import json
import os
from typing import Any

from tfx.dsl.io import fileio

from components.model_card.names import CARD_JSON, CARD_TEXT, CARDS


def write_card(uri: str, card: dict[str, Any], text: str) -> None:
    """Writes both forms of a card into its artifact's folder."""
    fileio.makedirs(uri)
    for name, content in ((CARD_JSON, json.dumps(card, indent=1) + "\n"), (CARD_TEXT, text)):
        with fileio.open(os.path.join(uri, name), "w") as file:
            file.write(content)


def read_card(uri: str) -> dict[str, Any] | None:
    """The card in a folder; None if there is none that can be read."""
    path = os.path.join(uri, CARD_JSON)
    if not fileio.exists(path):
        return None
    with fileio.open(path) as file:
        try:
            card = json.loads(file.read())
        except ValueError:
            return None
    return card if isinstance(card, dict) else None


def card_files(uri: str) -> dict[str, bytes]:
    """Both forms of a card, by their file names.

    Raises:
        ValueError: One of them is missing or empty.
    """
    files = {}
    for name in CARDS:
        path = os.path.join(uri, name)
        content = b""
        if fileio.exists(path):
            with fileio.open(path, "rb") as file:
                content = file.read()
        if not content:
            raise ValueError(f"A model card must hold {' and '.join(CARDS)}. Received: {uri}, without {name}.")
        files[name] = content
    return files
