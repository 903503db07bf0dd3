"""The window of real runs: days are ingested from CSVs, old state is pruned, the folder moves, the declaration changes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner

from components.data_bounds import DataBounds
from components.data_identity import BY_PATH
from components.example_gen import driver
from components.properties import SPAN_NAME, TRAIN_SPANS, text
from pipeline.advice import on_this_machine
from pipeline.config import REPOSITORY, RunConfig
from pipeline.pipeline import INGESTION, create_pipeline
from pipeline.prune import prune
from pipeline.results import RunRecord, read_run
from pipeline.retention_settings import RetentionSettings
from pipeline.window_summary import WARNING, window_lines
from transform.declaration import Declaration
from transform.features import DECLARATION

pytestmark = pytest.mark.slow

DAYS = [f"2026-03-0{day}" for day in range(1, 6)]
ROWS = 300


class Days:
    """Five days, and the state of the runs on them."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "days"
        rows = ["--rows", str(ROWS * len(DAYS)), "--spans", str(len(DAYS))]
        where = ["--out", str(self.root), "--truth", str(folder / "truth"), "--layout", "folders"]
        arguments = [*rows, *where, "--start-date", DAYS[0]]
        subprocess.run([sys.executable, "-m", "data.synthesize", *arguments], cwd=REPOSITORY, check=True)
        self.config = RunConfig(
            data_root=str(self.root),
            state_root=str(folder / "state"),
            # So few rows differ from day to day, and from split to split.
            data_bounds=DataBounds(max_drift=1.0, tolerated=("skew", "missing")),
        )
        Path(self.config.state_root).mkdir()

    @property
    def store(self) -> MetadataStore:
        return MetadataStore(metadata.sqlite_metadata_connection_config(self.config.metadata_path))

    def run(self, day: str, *nodes: str, window_spans: int = 7, data_name: str = BY_PATH) -> RunRecord:
        """A run of the nodes that take a day in, and of others."""
        changes = {"span": day, "window_spans": window_spans, "data_name": data_name}
        config = self.config.replace(data_root=str(self.root), **changes)
        connection = metadata.sqlite_metadata_connection_config(config.metadata_path)
        LocalDagRunner().run(create_pipeline(config, (*INGESTION, *nodes), connection))
        newest = max(self.store.get_contexts_by_type("pipeline_run"), key=lambda context: context.id)
        return read_run(self.store, newest.name)

    def window(self, day: str, window_spans: int, data_name: str = BY_PATH) -> tuple[list[str], str]:
        """The days that train, and all that the summary says of the window."""
        run = self.run(day, "window", "dataset", window_spans=window_spans, data_name=data_name)
        config = self.config.replace(data_root=str(self.root), window_spans=window_spans)
        lines = "\n".join(
            f"{title} {content}".strip() for title, content in window_lines(config, run, on_this_machine(config))
        )
        names = text(run.one("dataset", "examples"), TRAIN_SPANS).split(",")
        joined = [text(one, SPAN_NAME) for one in run.all("window", "examples")]
        assert names == joined or (names, joined) == ([day], [])
        return names, lines

    def prune(self, window_spans: int) -> None:
        """Keeps as little as can be."""
        retention = RetentionSettings(keep_spans=1, keep_versions=1, keep_runs=1)
        config = self.config.replace(window_spans=window_spans, retention=retention)
        connection = metadata.sqlite_metadata_connection_config(self.config.metadata_path)
        prune(config, connection, self.store, dry_run=False)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Days:
    """The first day was ingested by an older declaration, without the post type; then three more."""
    made = Days(tmp_path_factory.mktemp("community"))
    older = Declaration(tuple(feature for feature in DECLARATION.features if feature.name != "post_type"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(driver, "DECLARED", older)
        made.run(DAYS[0])
    for day in DAYS[1:4]:
        made.run(day)
    return made


def test_pruning_does_not_shrink_the_window(days: Days) -> None:
    days.prune(window_spans=3)
    names, lines = days.window(DAYS[4], window_spans=3)
    assert names == DAYS[1:4]
    assert f"Window {3 * ROWS} rows of 3 spans from {DAYS[1]} to {DAYS[3]} train" in lines
    assert WARNING not in lines


def test_a_day_that_was_ingested_by_another_declaration_is_named_and_not_joined(days: Days) -> None:
    names, lines = days.window(DAYS[4], window_spans=4)
    assert names == DAYS[1:4]
    assert f"{WARNING} WINDOW_SPANS asks for 4 spans, 3 of them train" in lines
    assert f"ingested by another declaration, without post_type: {DAYS[0]}. `make ingest SPANS={DAYS[0]}` takes" in lines


def test_the_window_survives_a_move_of_named_data(days: Days) -> None:
    days.window(DAYS[4], window_spans=3, data_name="feed")
    moved = days.root.with_name("moved")
    days.root.rename(moved)
    days.root = moved
    _, lines = days.window(DAYS[4], window_spans=3)
    assert f"if that folder is here now, DATA_NAME={days.config.data_root} joins its spans" in lines
    names, lines = days.window(DAYS[4], window_spans=3, data_name="feed")
    assert names == DAYS[1:4]
    assert WARNING not in lines


def test_accepted_days_that_are_gone_are_named(days: Days) -> None:
    """The newest run, which pruning keeps with all it has read, has a window of one day."""
    days.window(DAYS[4], window_spans=1, data_name="feed")
    shutil.rmtree(days.root / DAYS[1])
    days.prune(window_spans=1)
    names, lines = days.window(DAYS[4], window_spans=3, data_name="feed")
    assert names == [DAYS[3]]
    assert f"{WARNING} WINDOW_SPANS asks for 3 spans, 1 of them train" in lines
    assert f"accepted once, and removed since: {DAYS[1]}, {DAYS[2]}. `make ingest SPANS={DAYS[2]}` takes them in" in lines
    assert f"DATA_ROOT no longer has {DAYS[1]}" in lines
