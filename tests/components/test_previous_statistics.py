"""What drift is measured from: the last accepted span before the run's own, by a real metadata store."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import ml_metadata as mlmd
import pytest
from tfx.orchestration import metadata
from tfx.types import Artifact, artifact_utils
from tfx.types.standard_artifacts import ExampleStatistics

from components.artifacts import DataBlessing
from components.previous_statistics import PreviousStatistics


@dataclasses.dataclass(frozen=True)
class Days:
    """A metadata store, and what its runs left there."""

    store: mlmd.MetadataStore

    def add(
        self, span: int, accepted: bool = True, version: int = 0, data_root: str = "/data", declaration: str = ""
    ) -> int:
        """Adds a run's statistics. Returns their id."""
        statistics = ExampleStatistics()
        statistics.set_int_custom_property("span", span)
        statistics.set_int_custom_property("version", version)
        statistics.set_string_custom_property("data_root", data_root)
        statistics.set_string_custom_property("span_name", f"span-{span}")
        statistics.set_string_custom_property("declaration", declaration)
        number = self._put(statistics)
        if accepted:
            blessing = DataBlessing()
            blessing.set_int_custom_property("statistics_id", number)
            self._put(blessing)
        return number

    def _put(self, artifact: Artifact) -> int:
        artifact.type_id = self.store.put_artifact_type(artifact.artifact_type)
        [number] = self.store.put_artifacts([artifact.mlmd_artifact])
        return int(number)

    def _all(self, kind: type[Artifact]) -> list[Artifact]:
        artifact_type = kind().artifact_type
        self.store.put_artifact_type(artifact_type)
        artifacts = self.store.get_artifacts_by_type(kind.TYPE_NAME)
        return [artifact_utils.deserialize_artifact(artifact_type, artifact) for artifact in artifacts]

    def previous_of(self, anchor: int, told: int = 0) -> list[int]:
        """The ids that the resolver picks for the run whose statistics have the id `anchor`.

        It tells of `told` accepted spans that it cannot pick.
        """
        everything = self._all(ExampleStatistics)
        inputs = {
            "statistics": everything,
            "blessing": self._all(DataBlessing),
            "anchor": [one for one in everything if one.id == anchor],
        }
        outputs = PreviousStatistics().resolve_artifacts(self.store, inputs)
        assert outputs is not None
        assert [one.id for one in outputs["anchor"]] == [anchor]
        of = [one.get_int_custom_property("statistics_id") for one in outputs["blessing"]]
        assert of[: len(of) - told] == [one.id for one in outputs["statistics"]]
        return [one.id for one in outputs["statistics"]]


@pytest.fixture
def days(tmp_path: Path) -> Days:
    return Days(mlmd.MetadataStore(metadata.sqlite_metadata_connection_config(str(tmp_path / "metadata.sqlite"))))


def test_the_last_span_before_the_runs_own_is_the_previous_one(days: Days) -> None:
    days.add(span=1)
    third = days.add(span=3)
    assert days.previous_of(days.add(span=7)) == [third]


def test_a_run_of_a_past_day_is_not_compared_with_later_ones(days: Days) -> None:
    first, second = days.add(span=1), days.add(span=2)
    days.add(span=3)
    assert days.previous_of(second) == [first]


def test_a_run_that_is_repeated_resolves_the_same(days: Days) -> None:
    first, second = days.add(span=1), days.add(span=2)
    before = days.previous_of(second)
    days.add(span=3)
    days.add(span=2, version=1)
    assert days.previous_of(second) == before == [first]


def test_the_latest_version_of_the_previous_span_counts_even_if_it_is_not_the_youngest(days: Days) -> None:
    days.add(span=1, version=0)
    latest = days.add(span=1, version=2)
    days.add(span=1, version=1)
    assert days.previous_of(days.add(span=2)) == [latest]


def test_statistics_computed_anew_take_the_place_of_older_ones(days: Days) -> None:
    days.add(span=1)
    anew = days.add(span=1)
    assert days.previous_of(days.add(span=2)) == [anew]


def test_a_span_that_the_gate_stopped_is_no_measure_for_the_next(days: Days) -> None:
    first = days.add(span=1)
    days.add(span=2, accepted=False)
    assert days.previous_of(days.add(span=3)) == [first]


def test_the_first_span_is_a_cold_start(days: Days) -> None:
    first = days.add(span=1)
    assert days.previous_of(first) == []


def test_data_without_spans_is_always_a_cold_start(days: Days) -> None:
    days.add(span=0)
    assert days.previous_of(days.add(span=0)) == []


def test_other_data_is_no_measure(days: Days) -> None:
    days.add(span=1, data_root="/other")
    assert days.previous_of(days.add(span=2)) == []


def test_a_span_of_another_declaration_is_no_measure(days: Days) -> None:
    days.add(span=1, declaration="act:label")
    assert days.previous_of(days.add(span=2, declaration="act:label,age:category"), told=1) == []


def test_without_statistics_of_this_run_nothing_is_resolved(days: Days) -> None:
    days.add(span=1)
    assert PreviousStatistics().resolve_artifacts(days.store, {"statistics": [], "blessing": [], "anchor": []}) is None
