"""The settings that a model was trained and exported with, beside the model: `assets.extra/settings.json`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

import tensorflow as tf

from settings.base import Settings
from trainer.export_settings import ExportSettings

SETTINGS_FILE = "settings.json"
EXPORT = "export"


def write_settings(model_dir: str, settings: Mapping[str, Settings]) -> None:
    """Writes the settings beside the model, which takes them along wherever it is published."""
    text = json.dumps({name: group.to_dict() for name, group in settings.items()}, indent=2, sort_keys=True)
    with tf.io.gfile.GFile(_file(model_dir), "w") as file:
        file.write(f"{text}\n")


def export_settings(model_dir: str) -> ExportSettings:
    """The settings that a model was exported with; where nothing is told, the defaults, without warm-up requests."""
    if not tf.io.gfile.exists(_file(model_dir)):
        return ExportSettings(warmup_candidates=())
    with tf.io.gfile.GFile(_file(model_dir)) as file:
        return ExportSettings(**json.loads(file.read())[EXPORT])


def largest_request(model_dir: str) -> int:
    """The most rows that a request of an exported model may have; the default where nothing is told beside it."""
    return export_settings(model_dir).max_scores


def _file(model_dir: str) -> str:
    return os.path.join(model_dir, "assets.extra", SETTINGS_FILE)
