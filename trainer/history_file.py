"""What each epoch of a training measured, as a file of JSON."""

from __future__ import annotations

import json
import os
from typing import Any

import tensorflow as tf

HISTORY = "history.json"


def read_history(folder: str) -> dict[str, Any] | None:
    """`epochs`, a list of dicts, and the number of the `best_epoch`; None if the folder of a training holds no such file."""
    path = os.path.join(folder, HISTORY)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path) as file:
        history: dict[str, Any] = json.loads(file.read())
    return history
