"""RunConfig: everything a run of the pipeline depends on, frozen and checked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from components.bounds import Bounds
from trainer.hyperparameters import Hyperparameters

PIPELINE_NAME = "community-din"
REPOSITORY = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """The settings of one run.

    Args:
        data_root: A folder of CSV files, or of `train` and `eval` folders of them, which are then the splits.
        state_root: Where the run keeps everything it writes.
        hyperparameters: The model's and its training's.
        bounds: What a model must hold to be published.
        beam_pipeline_args: How the nodes' own Beam pipelines run.

    Raises:
        ValueError: `data_root` is not a folder, or holds no CSV file; or a setting is out of its range.
    """

    data_root: Path
    state_root: Path
    hyperparameters: Hyperparameters = Hyperparameters()
    bounds: Bounds = Bounds()
    beam_pipeline_args: tuple[str, ...] = (
        "--runner=FnApiRunner",
        "--direct_running_mode=in_memory",
        "--direct_num_workers=1",
    )
    pipeline_name: str = PIPELINE_NAME

    def __post_init__(self) -> None:
        if not self.data_root.is_dir():
            raise ValueError(f"`DATA_ROOT` must be a folder of CSV files. Received: {self.data_root}.")
        folders = [self.data_root / "train", self.data_root / "eval"]
        present = [folder for folder in folders if folder.is_dir()]
        if len(present) == 1:
            raise ValueError(
                f"`DATA_ROOT` must hold both a `train` and an `eval` folder, or neither. Received: only {present[0]}."
            )
        for folder in present or [self.data_root]:
            if not any(folder.glob("*.csv")):
                raise ValueError(f"`DATA_ROOT` must hold at least one file named *.csv. Received: {folder}, without one.")

    @property
    def split_folders(self) -> bool:
        """Whether the data comes split into `train` and `eval` folders."""
        return (self.data_root / "train").is_dir()

    @property
    def pipeline_root(self) -> Path:
        return self.state_root / "pipeline"

    @property
    def metadata_path(self) -> Path:
        return self.state_root / "metadata.sqlite"

    @property
    def serving_root(self) -> Path:
        """The base path that TensorFlow Serving watches: one sub-folder a version."""
        return self.state_root / "serving" / self.pipeline_name

    @property
    def log_root(self) -> Path:
        return self.state_root / "log"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> RunConfig:
        """Reads a local run's settings.

        DATA_ROOT and STATE_ROOT default to `data/sample` and `var` in the repository; MIN_AUC, MAX_AUC_DROP and the
        hyperparameters EPOCHS, BATCH_SIZE, LEARNING_RATE and SEED to their own defaults. An empty value counts as unset.

        Raises:
            ValueError: A value is not of its type, or out of range.
        """
        given = {name: value for name, value in environment.items() if value}
        settings = _numbers(given, _HYPERPARAMETERS)
        bounds = _numbers(given, _BOUNDS)
        return cls(
            data_root=Path(given.get("DATA_ROOT", REPOSITORY / "data" / "sample")).resolve(),
            state_root=Path(given.get("STATE_ROOT", REPOSITORY / "var")).resolve(),
            hyperparameters=dataclasses.replace(Hyperparameters(), **settings),
            bounds=dataclasses.replace(Bounds(), **bounds),
        )


_HYPERPARAMETERS: dict[str, type] = {"EPOCHS": int, "BATCH_SIZE": int, "LEARNING_RATE": float, "SEED": int}
_BOUNDS: dict[str, type] = {"MIN_AUC": float, "MAX_AUC_DROP": float}


def _numbers(given: Mapping[str, str], kinds: Mapping[str, type]) -> dict[str, Any]:
    """The settings among `kinds` that are given, in lower case."""
    numbers = {}
    for name, kind in kinds.items():
        if name in given:
            try:
                numbers[name.lower()] = kind(given[name])
            except ValueError as error:
                wanted = "a whole number" if kind is int else "a number"
                raise ValueError(f"`{name}` must be {wanted}. Received: {given[name]!r}.") from error
    return numbers
