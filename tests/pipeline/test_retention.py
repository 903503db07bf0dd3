"""What pruning lets go, on a metadata store of daily runs."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2 as pb
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import Examples, ExampleStatistics, Model, ModelBlessing, PushedModel

from components.artifacts import DataBlessing
from kubeflow.store import open_store
from pipeline.metadata_rows import delete_rows
from pipeline.retention import Plan, plan
from pipeline.retention_settings import RetentionSettings


def described(artifact: Artifact, span: int) -> Artifact:
    artifact.set_int_custom_property("span", span)
    artifact.set_string_custom_property("span_name", f"span-{span}")
    artifact.set_string_custom_property("data_root", "data")
    return artifact


class Days:
    """Daily runs: each ingests a span, trains a model and publishes it, if it is blessed, as the version `100 + span`."""

    def __init__(self, folder: Path, connection: pb.ConnectionConfig | None = None) -> None:
        self.path = folder / "metadata.sqlite"
        self.connection = connection or pb.ConnectionConfig()
        if connection is None:
            self.connection.sqlite.filename_uri = str(self.path)
        self.store = open_store(self.connection)
        self.serving = folder / "serving"
        self.serving.mkdir()
        self.run_type = self.store.put_context_type(pb.ContextType(name="pipeline_run"))
        self.execution_type = self.store.put_execution_type(pb.ExecutionType(name="node"))
        self.runs: list[int] = []

    def put(self, artifact: Artifact, event: pb.Event.Type = pb.Event.OUTPUT) -> int:
        message = artifact.mlmd_artifact
        message.type_id = self.store.put_artifact_type(artifact.artifact_type, can_add_fields=True)
        message.state = pb.Artifact.LIVE
        run = pb.Context(id=self.runs[-1], type_id=self.run_type, name=f"run-{len(self.runs)}")
        execution = pb.Execution(type_id=self.execution_type)
        _, ids, _ = self.store.put_execution(execution, [(message, pb.Event(type=event))], [run])
        artifact.id = ids[0]
        return int(ids[0])

    def run(self, span: int, blessed: bool = True, accepted: bool = True) -> None:
        name = f"run-{len(self.runs) + 1}"
        self.runs += self.store.put_contexts([pb.Context(type_id=self.run_type, name=name)])
        ids = {}
        for artifact in (Examples(), ExampleStatistics()):
            self.put(described(artifact, span))
            ids[type(artifact)] = artifact.id
        if accepted:
            gate = described(DataBlessing(), span)
            gate.set_int_custom_property("examples_id", ids[Examples])
            gate.set_int_custom_property("statistics_id", ids[ExampleStatistics])
            self.put(gate)
        blessing, pushed = ModelBlessing(), PushedModel()
        blessing.set_int_custom_property("current_model_id", self.put(Model()))
        blessing.set_int_custom_property("blessed", int(blessed))
        self.put(blessing)
        pushed.set_int_custom_property("pushed", int(blessed))
        if blessed:
            pushed.set_string_custom_property("pushed_version", str(100 + span))
            (self.serving / str(100 + span)).mkdir(exist_ok=True)
            (self.serving / str(100 + span) / "saved_model.pb").touch()
        self.put(pushed)

    def plan(self, window_spans: int = 1, **settings: int | tuple[str, ...]) -> Plan:
        retention = RetentionSettings(**{"keep_spans": 1, "keep_versions": 1, "keep_runs": 1, **settings})  # type: ignore[arg-type]
        return plan(self.store, str(self.serving), window_spans, retention)

    def of(self, artifacts: tuple[pb.Artifact, ...], kind: type[Artifact]) -> list[int]:
        """The numbers of the runs, from 1, that made these artifacts of a kind."""
        made = [a.id for a in artifacts if a.type == kind.TYPE_NAME]
        first = {a.id: min(c.id for c in self.store.get_contexts_by_artifact(a.id)) for a in artifacts}
        return [self.runs.index(first[key]) + 1 for key in made]


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(tmp_path)


def test_the_newest_version_and_its_run_stay(days: Days) -> None:
    for span in (1, 2, 3, 4):
        days.run(span)
    planned = days.plan()
    assert planned.kept_versions == ("104",)
    assert [Path(version).name for version in planned.versions] == ["103", "102", "101"]
    assert days.of(planned.kept_artifacts, Model) == [4]
    assert days.of(planned.artifacts, Model) == [1, 2, 3]


def test_the_examples_and_statistics_that_the_window_needs_stay(days: Days) -> None:
    for span in (1, 2, 3, 4, 5):
        days.run(span)
    planned = days.plan(window_spans=2)
    assert days.of(planned.kept_artifacts, Examples) == [3, 4, 5]
    assert days.of(planned.kept_artifacts, ExampleStatistics) == [3, 4, 5]


def test_the_blessings_of_the_accepted_spans_stay_so_that_the_window_does_not_shrink(days: Days) -> None:
    for span in (1, 2, 3, 4, 5, 6):
        days.run(span)
    planned = days.plan(window_spans=4)
    assert days.of(planned.kept_artifacts, Examples) == [2, 3, 4, 5, 6]
    assert days.of(planned.kept_artifacts, DataBlessing) == [1, 2, 3, 4, 5, 6]


def test_the_blessing_of_a_replaced_version_stays_and_tells_where_the_data_lay(days: Days) -> None:
    days.run(1)
    days.run(2)
    days.run(2)
    assert days.of(days.plan(window_spans=3).kept_artifacts, DataBlessing) == [1, 2, 3]


def test_a_refused_span_does_not_take_the_place_of_an_accepted_one(days: Days) -> None:
    for span in (1, 2, 3):
        days.run(span)
    days.run(4, accepted=False)
    days.run(5, accepted=False)
    days.run(6)
    planned = days.plan(window_spans=2)
    assert days.of(planned.kept_artifacts, Examples) == [2, 3, 6]
    assert days.of(planned.kept_artifacts, ExampleStatistics) == [2, 3, 6]


def test_a_replaced_version_of_a_span_goes(days: Days) -> None:
    days.run(1)
    days.run(2, blessed=False)
    days.run(2)
    assert days.of(days.plan(window_spans=3).kept_artifacts, Examples) == [1, 3]


def test_the_last_blessed_model_stays_though_refused_ones_are_newer(days: Days) -> None:
    days.run(1)
    days.run(2)
    for span in (3, 4, 5):
        days.run(span, blessed=False)
    planned = days.plan()
    assert planned.kept_versions == ("102",)
    assert days.of(planned.kept_artifacts, Model) == [2, 5]


def test_a_pinned_version_stays_with_its_run(days: Days) -> None:
    for span in (1, 2, 3, 4):
        days.run(span)
    planned = days.plan(pinned=("101",))
    assert planned.kept_versions == ("104", "101")
    assert days.of(planned.kept_artifacts, Model) == [1, 4]


def test_forgotten_executions_leave_the_store_and_what_stays_is_untouched(days: Days) -> None:
    for span in (1, 2, 3, 4):
        days.run(span)
    planned = days.plan()
    for artifact in planned.artifacts:
        artifact.state = pb.Artifact.DELETED
    days.store.put_artifacts(planned.artifacts)
    executions = len(days.store.get_executions())
    forgotten = delete_rows(days.connection, planned.runs)
    assert forgotten == len(planned.artifacts)
    assert len(days.store.get_executions()) == executions - forgotten
    assert {a.id for a in days.store.get_artifacts()} == {a.id for a in planned.kept_artifacts}
    assert days.plan().artifacts == ()
    days.run(5)
    assert days.plan().kept_versions == ("105",)


def test_a_numeric_folder_without_a_model_is_no_version(days: Days) -> None:
    for span in (1, 2):
        days.run(span)
    (days.serving / "103" / "variables").mkdir(parents=True)
    planned = days.plan()
    assert planned.kept_versions == ("102",)
    assert [Path(version).name for version in planned.versions] == ["101"]


def test_a_store_of_another_version_is_left_alone(days: Days) -> None:
    days.run(1)
    with sqlite3.connect(days.path) as database:
        database.execute("UPDATE MLMDEnv SET schema_version = 9")
    with pytest.raises(RuntimeError, match="schema must be version 10. Received: 9"):
        delete_rows(days.connection, [])
