"""A RunConfig as a text, for the steps' command lines."""

from __future__ import annotations

import dataclasses
import json

from components.bounds import Bounds
from components.example_gen.settings import IngestionSettings
from components.validation.bounds import DataBounds
from pipeline.config import RunConfig
from trainer.hyperparameters import Hyperparameters


def to_json(config: RunConfig) -> str:
    """The configuration as JSON, the same for the same configuration."""
    return json.dumps(dataclasses.asdict(config), sort_keys=True)


def from_json(text: str) -> RunConfig:
    """The inverse of `to_json`. Raises ValueError if the text is none."""
    try:
        values = json.loads(text)
        return RunConfig(
            **values
            | {
                "ingestion": IngestionSettings.from_dict(values["ingestion"]),
                "data_bounds": DataBounds.from_json(json.dumps(values["data_bounds"])),
                "hyperparameters": Hyperparameters.from_dict(values["hyperparameters"]),
                "bounds": Bounds(**values["bounds"]),
                "beam_pipeline_args": tuple(values["beam_pipeline_args"]),
            }
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"`--config` must be a RunConfig as JSON. {type(error).__name__}: {error}") from error
