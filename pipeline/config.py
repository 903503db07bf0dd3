"""RunConfig: everything a run of the pipeline depends on, declared once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from components.data_bounds import DataBounds
from components.data_identity import BY_PATH
from components.evaluation.bounds import Bounds
from components.example_gen.settings import IngestionSettings
from components.report.settings import ReportSettings
from components.serving_validator.settings import ServingSettings
from pipeline.beam import BEAM_NODES, BeamSettings
from pipeline.metrics_settings import MetricsSettings
from pipeline.parity.settings import ParitySettings
from pipeline.retention_settings import RetentionSettings
from pipeline.scoring.settings import ScoringSettings
from settings.base import Problem, SettingError, Settings, group, setting, unknown_setting
from settings.catalogue import build, catalogue
from settings.files import read_file
from settings.texts import from_text
from trainer.export_settings import ExportSettings
from trainer.hyperparameters import Hyperparameters
from trainer.tuning_settings import TuningSettings

PIPELINE_NAME = "community-din"
REPOSITORY = Path(__file__).resolve().parent.parent
CONFIG = "CONFIG"
_SPAN_NODES = ("example_gen",)


class RunConfig(Settings):
    """Where the run reads and writes, and which data it takes."""

    data_root: str = setting(
        "data/sample", "The folder of the CSVs; README.md tells its layouts.", main=True, nodes=_SPAN_NODES, min_length=1
    )
    state_root: str = setting("var", "Where the run keeps everything that it writes.", main=True, min_length=1)
    engine: Literal["local", "beam"] = setting(
        "local", "What runs the nodes on this machine: TFX's LocalDagRunner, or its BeamDagRunner.", main=True
    )
    span: str = setting(
        "newest",
        "The span that is ingested and judges: `newest`, or its folder's name, its date or its number.",
        main=True,
        nodes=_SPAN_NODES,
        min_length=1,
    )
    span_version: Annotated[int, Field(ge=0)] | Literal["newest"] = setting(
        "newest", "Which version of the span: `newest`, or its number.", main=True, nodes=_SPAN_NODES
    )
    complete_marker: Annotated[str, Field(pattern=r"^[^/]+$")] | None = setting(
        None,
        "A file, such as `_SUCCESS`, without which the folder of a span, or of its version, is not there yet; or `none`.",
        main=True,
        nodes=_SPAN_NODES,
    )
    data_name: str = setting(
        BY_PATH,
        "What the data is known by when its folder moves: a name of your own, or `path`, the folder's path.",
        main=True,
        nodes=_SPAN_NODES,
        min_length=1,
    )
    window_spans: int = setting(7, "How many spans before it train, at most.", main=True, nodes=("window",), ge=1)
    pipeline_name: str = setting(
        PIPELINE_NAME, "The pipeline's name in the metadata, and the model's.", pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
    )
    ingestion: IngestionSettings = group(IngestionSettings, ("example_gen",))
    data_bounds: DataBounds = group(DataBounds, ("example_validator", "vocabulary_validator"))
    hyperparameters: Hyperparameters = group(Hyperparameters, ("trainer",))
    export: ExportSettings = group(ExportSettings, ("trainer",))
    bounds: Bounds = group(Bounds, ("evaluator",))
    report: ReportSettings = group(ReportSettings, ("model_report",))
    serving: ServingSettings = group(ServingSettings, ("serving_validator",))
    beam: BeamSettings = group(BeamSettings, BEAM_NODES)
    tuning: TuningSettings = group(TuningSettings, ("tuner",))
    scoring: ScoringSettings = group(ScoringSettings, ())
    parity: ParitySettings = group(ParitySettings, ())
    metrics: MetricsSettings = group(MetricsSettings, ())
    retention: RetentionSettings = group(RetentionSettings, ())

    @property
    def version(self) -> int | None:
        """The span's version; None for its newest."""
        return self.span_version if isinstance(self.span_version, int) else None

    @property
    def marker(self) -> str:
        """The name of the marker of what is complete; empty if there is none."""
        return self.complete_marker or ""

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


def local_config(environment: Mapping[str, str], given: Mapping[str, str] | None = None) -> RunConfig:
    """The configuration of a run on this machine.

    A setting is taken from `given`, else from the environment, else from the file that CONFIG names, else it has its
    default. In the first two its name is in upper case, and an empty value counts as unset.

    Args:
        environment: The environment's variables; those that are no settings are not looked at.
        given: Settings by name, such as those on a command line.

    Raises:
        ValueError: A setting is unknown, or breaks its rule, or there is no folder DATA_ROOT, or no file CONFIG.
    """
    entries = catalogue(RunConfig)
    texts = {name: environment[name.upper()] for name in entries if environment.get(name.upper())}
    named = {name: text for name, text in (given or {}).items() if text}
    file = named.pop(CONFIG, "") or environment.get(CONFIG, "")
    texts |= {name.lower(): text for name, text in named.items()}
    values = read_file(Path(file)) if file else {}
    values |= {name: from_text(entries[name], text) if name in entries else text for name, text in texts.items()}
    for name in ("data_root", "state_root"):
        if isinstance(values.setdefault(name, str(REPOSITORY / entries[name].default)), str):
            check_local(_as_given((name, "", ""), texts)[0], values[name])
            values[name] = str(Path(values[name]).resolve())
    try:
        config = build(RunConfig, values)
    except SettingError as error:
        raise SettingError(_as_given(problem, texts) for problem in error.problems) from None
    if not Path(config.data_root).is_dir():
        raise ValueError(f"`DATA_ROOT` must be a folder of CSV files, or of spans. Received: {config.data_root}.")
    return config


def check_local(name: str, path: str) -> None:
    """Raises ValueError if a path has a scheme: commands on this machine would take it for a relative one."""
    if "://" in path:
        raise ValueError(
            f"`{name}` must be on this machine, for a command on it. Received: {path}. A bucket can be mounted as a folder: "
            "docs/ENGINES.md."
        )


def _as_given(problem: Problem, texts: Mapping[str, str]) -> Problem:
    """A problem with the names in upper case if the setting was given so."""
    name, rule, _ = problem
    if name not in texts:
        return problem
    if name not in catalogue(RunConfig):
        return unknown_setting(name.upper(), [known.upper() for known in catalogue(RunConfig)])
    return name.upper(), rule, repr(texts[name])
