"""RunConfig: everything a run of the pipeline depends on, frozen and checked."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from components.bounds import Bounds
from components.example_gen.settings import IngestionSettings
from components.validation.bounds import DataBounds
from trainer.hyperparameters import Hyperparameters

PIPELINE_NAME = "community-din"
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """The settings of one run.

    Args:
        data_root: The folder of the data; `components.example_gen.spans` tells its layouts.
        state_root: Where the run keeps everything it writes.
        span: Which span is ingested and judges: `newest`, or its folder's name, its date or its number.
        span_version: Which version of the span. Defaults to its newest.
        complete_marker: The name of a file, such as _SUCCESS, without which a span is not there yet. Defaults to none.
        window_spans: How many spans before it train, at most.
        ingestion: How strictly rows are read, and what is kept of the rejected ones.
        data_bounds: What a span must hold to be trained on.
        hyperparameters: The model's and its training's.
        bounds: What a model must hold to be published.
        beam_pipeline_args: How the nodes' own Beam pipelines run.

    Raises:
        ValueError: A setting is out of its range.
    """

    data_root: str
    state_root: str
    span: str = "newest"
    span_version: int | None = None
    complete_marker: str = ""
    window_spans: int = 7
    ingestion: IngestionSettings = IngestionSettings()
    data_bounds: DataBounds = DataBounds()
    hyperparameters: Hyperparameters = Hyperparameters()
    bounds: Bounds = Bounds()
    beam_pipeline_args: tuple[str, ...] = (
        "--runner=FnApiRunner",
        "--direct_running_mode=in_memory",
        "--direct_num_workers=1",
    )
    pipeline_name: str = PIPELINE_NAME

    def __post_init__(self) -> None:
        if self.window_spans < 1:
            raise ValueError(f"`window_spans` must be positive. Received: {self.window_spans!r}.")
        if self.span_version is not None and self.span_version < 0:
            raise ValueError(f"`span_version` must not be negative. Received: {self.span_version!r}.")
        if "/" in self.complete_marker:
            raise ValueError(f"`complete_marker` must be the name of a file. Received: {self.complete_marker!r}.")

    @property
    def pipeline_root(self) -> str:
        return os.path.join(self.state_root, "pipeline")

    @property
    def metadata_path(self) -> str:
        return os.path.join(self.state_root, "metadata.sqlite")

    @property
    def serving_root(self) -> str:
        """The base path that TensorFlow Serving watches: one sub-folder a version."""
        return os.path.join(self.state_root, "serving", self.pipeline_name)

    @property
    def log_root(self) -> Path:
        """One file a local run: what the libraries log."""
        return Path(self.state_root) / "log"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RunConfig:
        """Reads the settings of a local run from environment variables.

        DATA_ROOT defaults to the sample in data/, STATE_ROOT to var/, the others to the fields' own defaults. An empty
        value counts as unset.

        Raises:
            ValueError: A value is not of its type, or out of range, or there is no such folder as DATA_ROOT.
        """
        given = {name: value for name, value in environment.items() if value}
        data_root = Path(given.get("DATA_ROOT", REPOSITORY / "data" / "sample")).resolve()
        if not data_root.is_dir():
            raise ValueError(f"`DATA_ROOT` must be a folder of CSV files, or of spans. Received: {data_root}.")
        config = cls(data_root=str(data_root), state_root=str(Path(given.get("STATE_ROOT", REPOSITORY / "var")).resolve()))
        return config.with_settings(given)

    def with_settings(self, given: Mapping[str, str]) -> RunConfig:
        """The configuration with settings that are given as texts.

        Args:
            given: The texts by the names of SETTINGS; other names are not looked at.

        Raises:
            ValueError: A value is not of its type, or out of range.
        """
        parts = {
            part: dataclasses.replace(getattr(self, part), **_read(given, kinds)) for part, kinds in SETTINGS.items() if part
        }
        return dataclasses.replace(self, **parts, **_read(given, SETTINGS[""]))


def _names(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(name.strip() for name in text.split(","))


def _file_name(text: str) -> str:
    return "" if text == "none" else text


Kind = Callable[[str], Any]

# What can be set from outside, by the part of RunConfig that takes it, then by its name: each is the field of its name in
# lower case. "" is RunConfig itself.
SETTINGS: dict[str, dict[str, Kind]] = {
    "": {"SPAN": str, "SPAN_VERSION": int, "COMPLETE_MARKER": _file_name, "WINDOW_SPANS": int},
    "ingestion": {
        "MAX_REJECTED_SHARE": float,
        "MAX_ROW_BYTES": int,
        "MAX_LIST_LENGTH": int,
        "DEAD_LETTER_RECEIVED": int,
    },
    "data_bounds": {"MAX_DRIFT": float, "MIN_ROWS": int, "MAX_OOV_RATE": float, "TOLERATED": _names},
    "hyperparameters": {"EPOCHS": int, "BATCH_SIZE": int, "LEARNING_RATE": float, "SEED": int},
    "bounds": {"MIN_AUC": float, "MAX_AUC_DROP": float},
}


def _read(given: Mapping[str, str], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """The settings among `kinds` that are given, in lower case."""
    settings = {}
    for name, kind in kinds.items():
        if name in given:
            try:
                settings[name.lower()] = kind(given[name])
            except ValueError as error:
                wanted = "a whole number" if kind is int else "a number"
                raise ValueError(f"`{name}` must be {wanted}. Received: {given[name]!r}.") from error
    return settings
