"""The model to beat: the one blessed last before the run's own."""

from __future__ import annotations

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.types.standard_artifacts import Model, ModelBlessing

from components.latest_blessed_model import LatestBlessedBeforeCandidate


@pytest.fixture(scope="module")
def store() -> MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    return MetadataStore(config)


def model(number: int) -> Model:
    artifact = Model()
    artifact.id = number
    return artifact


def blessing(number: int, of: int, blessed: bool = True) -> ModelBlessing:
    artifact = ModelBlessing()
    artifact.id = number
    artifact.set_int_custom_property("current_model_id", of)
    artifact.set_int_custom_property("blessed", int(blessed))
    return artifact


def resolved(store: MetadataStore, candidate: int, blessings: list[ModelBlessing]) -> list[int]:
    models = [model(number) for number in (10, 20, 30)]
    inputs = {"model": models, "model_blessing": blessings, "candidate": [model(candidate)]}
    outputs = LatestBlessedBeforeCandidate().resolve_artifacts(store, inputs)
    assert outputs is not None
    assert len(outputs["model"]) == len(outputs["model_blessing"])
    return [artifact.id for artifact in outputs["model"]]


def test_the_last_blessed_model_before_the_candidate_is_the_baseline(store: MetadataStore) -> None:
    assert resolved(store, 30, [blessing(11, of=10), blessing(21, of=20)]) == [20]


def test_the_runs_own_model_is_not_its_baseline_once_it_is_blessed(store: MetadataStore) -> None:
    assert resolved(store, 20, [blessing(11, of=10), blessing(21, of=20), blessing(31, of=30)]) == [10]


def test_a_refused_model_is_no_baseline(store: MetadataStore) -> None:
    assert resolved(store, 30, [blessing(11, of=10), blessing(21, of=20, blessed=False)]) == [10]


def test_the_first_run_has_no_baseline(store: MetadataStore) -> None:
    assert resolved(store, 10, [blessing(11, of=10)]) == []
