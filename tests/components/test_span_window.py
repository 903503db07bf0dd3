"""The window: the spans before the run's own, and the rows that train and judge."""

from __future__ import annotations

from pathlib import Path

import pytest
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples

from components.artifacts import DataBlessing
from components.dataset.executor import Executor
from components.properties import OF_SPAN, copy_properties
from components.span_window import SpansBeforeAnchor
from tests.components.ingestion import row_texts, write_row
from transform.features import DECLARATION


@pytest.fixture(scope="module")
def store() -> MetadataStore:
    config = metadata_store_pb2.ConnectionConfig()
    config.fake_database.SetInParent()
    return MetadataStore(config)


def examples(
    number: int,
    span: int,
    version: int = 0,
    name: str | None = None,
    root: str = "/data",
    data_name: str = "",
    declaration: str = "",
) -> Examples:
    artifact = Examples()
    artifact.id = number
    artifact.set_int_custom_property("span", span)
    artifact.set_int_custom_property("version", version)
    artifact.set_string_custom_property("span_name", f"span-{span}" if name is None else name)
    artifact.set_string_custom_property("data_root", root)
    artifact.set_string_custom_property("data_name", data_name)
    artifact.set_string_custom_property("declaration", declaration)
    return artifact


def blessing(of: Examples) -> DataBlessing:
    """What the gate says of accepted examples."""
    artifact = DataBlessing()
    copy_properties(of, artifact, OF_SPAN)
    artifact.set_int_custom_property("examples_id", of.id)
    return artifact


def resolved(
    store: MetadataStore,
    ingested: list[Examples],
    anchor: Examples,
    refused: tuple[int, ...] = (),
    gone: tuple[int, ...] = (),
) -> tuple[list[int], list[int]]:
    """The ids of the examples that the window picks, and of those it tells of."""
    blessings = [blessing(artifact) for artifact in ingested if artifact.id not in refused]
    there = [artifact for artifact in ingested if artifact.id not in gone]
    inputs = {"examples": [*there, anchor], "blessing": blessings, "anchor": [anchor]}
    outputs = SpansBeforeAnchor(num_spans=2).resolve_artifacts(store, inputs)
    assert outputs is not None
    assert outputs["anchor"] == [anchor]
    told = [artifact.get_int_custom_property("examples_id") for artifact in outputs["blessing"]]
    return [artifact.id for artifact in outputs["examples"]], told


def window(store: MetadataStore, ingested: list[Examples], anchor: Examples, refused: tuple[int, ...] = ()) -> list[int]:
    picked, told = resolved(store, ingested, anchor, refused)
    assert told == picked
    return picked


def test_the_newest_spans_before_the_anchor_are_picked_oldest_first(store: MetadataStore) -> None:
    assert window(store, [examples(3, span=7), examples(1, span=5), examples(2, span=6)], examples(4, span=8)) == [2, 3]


def test_the_first_span_has_no_window(store: MetadataStore) -> None:
    assert window(store, [], examples(1, span=5)) == []


def test_the_run_of_a_past_day_looks_at_no_later_day(store: MetadataStore) -> None:
    assert window(store, [examples(1, span=5), examples(2, span=7), examples(3, span=8)], examples(4, span=6)) == [1]


def test_a_span_that_did_not_pass_the_gate_trains_nothing(store: MetadataStore) -> None:
    assert window(store, [examples(1, span=5), examples(2, span=6)], examples(3, span=7), refused=(2,)) == [1]


def test_days_without_data_do_not_count(store: MetadataStore) -> None:
    assert window(store, [examples(1, span=1), examples(2, span=20)], examples(3, span=30)) == [1, 2]


def test_a_span_that_was_ingested_again_replaces_what_it_was(store: MetadataStore) -> None:
    again = [examples(1, span=5), examples(2, span=6), examples(9, span=5, version=1)]
    assert window(store, again, examples(10, span=7)) == [9, 2]


def test_an_older_version_that_was_ingested_later_replaces_nothing(store: MetadataStore) -> None:
    assert window(store, [examples(1, span=5, version=1), examples(9, span=5)], examples(10, span=7)) == [1]


def test_another_data_root_and_data_without_spans_are_left_alone(store: MetadataStore) -> None:
    others = [examples(1, span=5, root="/other"), examples(2, span=0, name="")]
    assert resolved(store, others, examples(3, span=7)) == ([], [1])


def test_an_accepted_span_that_is_gone_is_told(store: MetadataStore) -> None:
    ingested = [examples(1, span=5), examples(2, span=6), examples(3, span=7)]
    assert resolved(store, ingested, examples(4, span=8), gone=(2,)) == ([1, 3], [1, 2, 3])
    assert resolved(store, ingested, examples(4, span=8), gone=(1, 2)) == ([3], [2, 3])


def test_a_blessing_that_names_only_its_examples_is_enough_while_they_are_there(store: MetadataStore) -> None:
    old, anchor, said = examples(1, span=5), examples(2, span=6), DataBlessing()
    said.set_int_custom_property("examples_id", 1)
    outputs = SpansBeforeAnchor(2).resolve_artifacts(store, {"examples": [old], "blessing": [said], "anchor": [anchor]})
    assert outputs is not None
    assert outputs["examples"] == [old]
    outputs = SpansBeforeAnchor(2).resolve_artifacts(store, {"examples": [], "blessing": [said], "anchor": [anchor]})
    assert outputs == {"examples": [], "blessing": [], "anchor": [anchor]}


def test_a_span_of_another_declaration_is_told_and_not_joined(store: MetadataStore) -> None:
    ingested = [examples(1, span=5, declaration="act:label"), examples(2, span=6, declaration="act:label,age:category")]
    anchor = examples(3, span=7, declaration="act:label,age:category")
    assert resolved(store, ingested, anchor) == ([2], [1, 2])


def test_of_a_version_that_two_declarations_have_read_the_anchors_is_joined(store: MetadataStore) -> None:
    ingested = [examples(1, span=5, declaration="act:label"), examples(2, span=5, declaration="act:label,age:category")]
    assert window(store, ingested, examples(3, span=6, declaration="act:label")) == [1]
    newer = [*ingested, examples(4, span=5, version=1, declaration="act:label,age:category")]
    assert resolved(store, newer, examples(5, span=6, declaration="act:label")) == ([], [4])


def test_examples_that_tell_no_declaration_are_joined(store: MetadataStore) -> None:
    assert window(store, [examples(1, span=5)], examples(2, span=6, declaration="act:label")) == [1]


def test_the_way_a_path_is_written_makes_no_other_data(store: MetadataStore, tmp_path: Path) -> None:
    real, link = tmp_path / "days", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    ingested = [examples(1, span=5, root=f"{real}/"), examples(2, span=6, root=str(link))]
    assert window(store, ingested, examples(3, span=7, root=str(real))) == [1, 2]
    buckets = [examples(1, span=5, root="gs://bucket/days/"), examples(2, span=6, root="gs://bucket//days")]
    assert window(store, buckets, examples(3, span=7, root="gs://bucket/days")) == [1, 2]


def test_named_data_is_the_same_wherever_it_lies(store: MetadataStore) -> None:
    ingested = [examples(1, span=5, root="/old", data_name="feed"), examples(2, span=6, root="/other")]
    assert window(store, ingested, examples(3, span=7, root="/new", data_name="feed")) == [1]


def test_spans_from_before_a_folder_had_a_name_belong_to_the_name(store: MetadataStore) -> None:
    ingested = [examples(1, span=5, root="/old"), examples(2, span=6, root="/old", data_name="feed")]
    assert window(store, ingested, examples(3, span=7, root="/new", data_name="feed")) == [1, 2]


def test_the_path_of_a_folder_that_has_moved_is_a_name_for_its_spans(store: MetadataStore) -> None:
    ingested = [examples(1, span=5, root="/old/"), examples(2, span=6, root="/other")]
    assert window(store, ingested, examples(3, span=7, root="/new", data_name="/old")) == [1]


def test_the_last_span_of_other_data_is_told_if_this_data_has_none(store: MetadataStore) -> None:
    ingested = [examples(1, span=5, root="/old"), examples(2, span=6, root="/old")]
    assert resolved(store, ingested, examples(3, span=7, root="/new")) == ([], [2])


def test_two_names_are_two_kinds_of_data_in_one_folder(store: MetadataStore) -> None:
    ingested = [examples(1, span=5, data_name="feed"), examples(2, span=6, data_name="other")]
    assert window(store, ingested, examples(3, span=7, data_name="feed")) == [1]


def on_disk(folder: Path, number: int, span: int) -> Examples:
    artifact = examples(number, span)
    artifact.uri = str(folder / str(number))
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    for split in ("train", "eval"):
        target = Path(artifact.uri) / f"Split-{split}"
        target.mkdir(parents=True)
        write_row(target / "data_tfrecord-00000-of-00001.gz", f"{number} {split}")
    return artifact


def composed(folder: Path, earlier: list[Examples], anchor: Examples) -> tuple[Examples, dict[str, list[str]]]:
    output = Examples()
    output.uri = str(folder / "dataset")
    Executor().Do({"window": earlier, "anchor": [anchor]}, {"examples": [output]}, {"group": DECLARATION.group})
    splits = {
        split: row_texts(*(folder / "dataset" / f"Split-{split}").iterdir()) for split in ("train", "validation", "eval")
    }
    return output, splits


def test_all_rows_of_the_window_train_and_all_rows_of_the_anchor_judge(tmp_path: Path) -> None:
    output, splits = composed(tmp_path, [on_disk(tmp_path, 1, 5), on_disk(tmp_path, 2, 6)], on_disk(tmp_path, 3, 7))
    # The newest day has one client, whose rows train and validate.
    assert splits == {
        "train": ["1 eval", "1 train", "2 eval", "2 train"],
        "validation": ["2 eval", "2 train"],
        "eval": ["3 eval", "3 train"],
    }
    assert output.get_string_custom_property("train_spans") == "span-5,span-6"
    assert output.get_string_custom_property("judged_by") == "the next span"
    assert output.get_int_custom_property("span") == 7
    assert output.get_string_custom_property("data_root") == "/data"


def test_one_span_alone_trains_and_judges_by_its_own_splits(tmp_path: Path) -> None:
    output, splits = composed(tmp_path, [], on_disk(tmp_path, 3, 7))
    assert splits == {"train": ["3 train"], "validation": ["3 train"], "eval": ["3 eval"]}
    assert output.get_string_custom_property("judged_by") == "held-out rows"


def test_the_rows_stay_when_a_span_is_removed(tmp_path: Path) -> None:
    earlier = on_disk(tmp_path, 1, 5)
    _, splits = composed(tmp_path, [earlier], on_disk(tmp_path, 3, 7))
    for file in Path(earlier.uri).rglob("*.gz"):
        file.unlink()
    assert len(list((tmp_path / "dataset" / "Split-train").iterdir())) == len(splits["train"]) == 2
