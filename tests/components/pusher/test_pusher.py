"""The pusher as a node: what can stop it, what it tells, and what metadata remember of a killed one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from tfx.dsl.compiler import constants
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import Pipeline
from tfx.types.artifact import Artifact
from tfx.types.standard_artifacts import InfraBlessing, Model, ModelBlessing, PushedModel

from components.artifacts import ModelCardDocument
from components.model_card.names import CARDS
from components.properties import number, text
from components.pusher.component import Pusher
from components.pusher.executor import Executor
from serving.versions import published_versions
from tests.components.pusher.killing import in_child, killed_after, write_model

LINEAGE = {"eval_span": "2026-01-03", "train_spans": "2026-01-01,2026-01-02", "data_root": "/data"}


def model_in(folder: Path, weights: str = "weights") -> Model:
    write_model(folder / "Format-Serving", weights)
    model = Model()
    model.uri = str(folder)
    model.set_int_custom_property("span", 3)
    for name, value in LINEAGE.items():
        model.set_string_custom_property(name, value)
    return model


def blessing(kind: type[Artifact], blessed: bool, reason: str = "") -> Artifact:
    artifact = kind()
    artifact.set_int_custom_property("blessed", int(blessed))
    if reason:
        artifact.set_string_custom_property("reason", reason)
    return artifact


def push(folder: Path, model: Model, **blessings: Artifact) -> PushedModel:
    pushed = PushedModel()
    inputs = {"model": [model], "model_blessing": [blessing(ModelBlessing, True)]}
    inputs |= {name: [artifact] for name, artifact in blessings.items()}
    Executor().Do(inputs, {"pushed_model": [pushed]}, {"base_directory": str(folder / "serving"), "run_id": "run-1"})
    return pushed


def test_a_published_model_tells_where_it_is_and_where_it_comes_from(tmp_path: Path) -> None:
    pushed = push(tmp_path, model_in(tmp_path / "model"), freshness_blessing=blessing(InfraBlessing, True))
    ((version, path),) = published_versions(str(tmp_path / "serving")).items()
    assert number(pushed, "pushed") == number(pushed, "is_new") == 1
    assert (text(pushed, "pushed_version"), text(pushed, "pushed_destination")) == (str(version), path)
    assert {name: text(pushed, name) for name in LINEAGE} == LINEAGE
    assert number(pushed, "span") == 3
    record = json.loads((Path(path) / "assets.extra" / "publication.json").read_text())
    assert record["lineage"] == {**LINEAGE, "span": 3}
    assert (record["run"], record["model"]) == ("run-1", str(tmp_path / "model"))


@pytest.mark.parametrize(
    ("blessings", "reason"),
    [
        ({"model_blessing": blessing(ModelBlessing, False)}, "the model is not blessed"),
        ({"infra_blessing": blessing(InfraBlessing, False)}, "the model could not be served"),
        ({"infra_blessing": blessing(InfraBlessing, False, "it took 9 s")}, "it took 9 s"),
        ({"freshness_blessing": blessing(InfraBlessing, False)}, "a newer model is published"),
        (
            {
                "model_blessing": blessing(ModelBlessing, False),
                "freshness_blessing": blessing(InfraBlessing, False, "version 7, of a later span, is published"),
            },
            "the model is not blessed; version 7, of a later span, is published",
        ),
    ],
)
def test_each_condition_can_stop_it_and_says_why(tmp_path: Path, blessings: dict[str, Artifact], reason: str) -> None:
    pushed = push(tmp_path, model_in(tmp_path / "model"), **blessings)
    assert number(pushed, "pushed") == 0
    assert text(pushed, "refused") == reason
    assert text(pushed, "eval_span") == "2026-01-03"
    assert not (tmp_path / "serving").exists()


def test_a_model_in_place_of_another_names_it_and_its_own_older_version(tmp_path: Path) -> None:
    first, other = model_in(tmp_path / "first"), model_in(tmp_path / "other", "other weights")
    versions = [text(push(tmp_path, model), "pushed_version") for model in (first, other)]
    again = push(tmp_path, first)
    assert text(again, "again") == versions[0]
    assert text(again, "replaced") == versions[1]
    assert list(published_versions(str(tmp_path / "serving")))[-1] == int(text(again, "pushed_version"))


def test_a_model_in_place_of_one_of_other_data_names_that(tmp_path: Path) -> None:
    first, same, other = (model_in(tmp_path / name, name) for name in ("first", "same", "other"))
    same.set_string_custom_property("data_root", "/data/")
    other.set_string_custom_property("data_root", "/elsewhere")
    assert [text(push(tmp_path, model), "replaced_data") for model in (first, same, other, first)] == [
        "",
        "",
        "/data/",
        "/elsewhere",
    ]


def card_in(folder: Path, names: Sequence[str] = CARDS) -> ModelCardDocument:
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"the {name} of {folder.name}")
    card = ModelCardDocument()
    card.uri = str(folder)
    return card


def test_a_published_version_carries_its_card_and_is_the_same_model_with_another_one(tmp_path: Path) -> None:
    model = model_in(tmp_path / "model")
    first = push(tmp_path, model, model_card=card_in(tmp_path / "card"))
    extra = Path(text(first, "pushed_destination")) / "assets.extra"
    assert {name: (extra / name).read_text() for name in CARDS} == {name: f"the {name} of card" for name in CARDS}
    assert number(push(tmp_path, model, model_card=card_in(tmp_path / "other")), "is_new") == 0
    # Also where the record cannot tell what the model's digest is.
    (extra / "publication.json").write_text("{")
    assert number(push(tmp_path, model, model_card=card_in(tmp_path / "third")), "is_new") == 0


@pytest.mark.parametrize("missing", CARDS)
def test_without_a_whole_card_nothing_is_published(tmp_path: Path, missing: str) -> None:
    card = card_in(tmp_path / "card", [name for name in CARDS if name != missing])
    with pytest.raises(ValueError, match=f"A model card must hold .* Received: .*card, without {missing}"):
        push(tmp_path, model_in(tmp_path / "model"), model_card=card)
    assert not (tmp_path / "serving").exists()


def run_pipeline(folder: Path) -> None:
    """A run of the node in TFX's own runner, its inputs imported."""

    def imported(name: str, kind: type[Artifact], **properties: int) -> Importer:
        return Importer(str(folder / name), kind, custom_properties=properties).with_id(name)

    model, verdict = imported("model", Model), imported("verdict", ModelBlessing, blessed=1)
    pusher = Pusher(
        model=model.outputs["result"],
        model_blessing=verdict.outputs["result"],
        base_directory=str(folder / "serving"),
        run_id=RuntimeParameter(name=constants.PIPELINE_RUN_ID_PARAMETER_NAME, ptype=str),
    ).with_id("pusher")
    connection = metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite"))
    LocalDagRunner().run(
        Pipeline("publication", str(folder / "pipeline"), connection, [model, verdict, pusher], enable_cache=True)
    )


def pushed_models(folder: Path) -> list[Artifact]:
    store = MetadataStore(metadata.sqlite_metadata_connection_config(str(folder / "metadata.sqlite")))
    return [artifact for artifact in store.get_artifacts_by_type("PushedModel") if artifact.state == artifact.LIVE]


def test_a_run_killed_after_the_version_appeared_does_not_publish_it_twice(tmp_path: Path) -> None:
    """Each run in a process of its own."""
    model_in(tmp_path / "model")
    (tmp_path / "verdict").mkdir()
    assert killed_after(lambda: run_pipeline(tmp_path), "os.rename", tmp_path / "serving")
    ((version, _),) = published_versions(str(tmp_path / "serving")).items()
    assert pushed_models(tmp_path) == []
    for _ in range(2):
        assert in_child(lambda: run_pipeline(tmp_path)) == 0
        assert list(published_versions(str(tmp_path / "serving"))) == [version]
        pushed = pushed_models(tmp_path)[-1]
        assert text(pushed, "pushed_version") == str(version)
        assert number(pushed, "is_new") == 0


def test_a_version_removed_by_hand_is_published_again_whatever_is_cached(tmp_path: Path) -> None:
    model_in(tmp_path / "model")
    (tmp_path / "verdict").mkdir()
    assert in_child(lambda: run_pipeline(tmp_path)) == 0
    (path,) = published_versions(str(tmp_path / "serving")).values()
    Path(path).rename(tmp_path / "removed")
    assert in_child(lambda: run_pipeline(tmp_path)) == 0
    (path,) = published_versions(str(tmp_path / "serving")).values()
    assert text(pushed_models(tmp_path)[-1], "pushed_destination") == path
