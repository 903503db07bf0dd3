"""What a run is compared with, and whether it may publish: decided by the spans that judged earlier runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from tfx.types.standard_artifacts import InfraBlessing

from components.freshness import Executor, PublishedOnLaterSpan
from components.latest_blessed_model import LatestBlessedBeforeCandidate
from components.lineage import lineage, why_no_baseline
from components.properties import span_of, text
from components.warm_start_model import LastBlessedOfEarlierSpan
from tests.components.lineage_store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def baseline(store: Store) -> list[int]:
    """The run whose model the last run is compared with."""
    models = {"model": store.models, "passed_over": store.models, "candidate": [store.models[-1]]}
    outputs = LatestBlessedBeforeCandidate().resolve_artifacts(store.store, models | {"model_blessing": store.blessings})
    assert outputs is not None
    assert not {model.id for model in outputs["model"]} & {model.id for model in outputs["passed_over"]}
    return [store.models.index(model) for model in outputs["model"]]


def refusal(store: Store) -> str:
    """Why the last run is not compared with the first run's model."""
    assert baseline(store) == []
    return why_no_baseline(store.models[0], store.models[-1])


def publishes(store: Store) -> bool:
    """Whether the last run may publish."""
    return not why_not_published(store)


def why_not_published(store: Store) -> str:
    """Why the last run may not publish; empty if it may."""
    inputs = {"pushed_model": store.pushed[:-1], "dataset": [store.datasets[-1]]}
    resolved = PublishedOnLaterSpan().resolve_artifacts(store.store, inputs)
    assert resolved is not None
    blessing = InfraBlessing()
    Executor().Do(resolved, {"blessing": [blessing]}, {})
    assert (blessing.get_int_custom_property("blessed") == 1) == (not text(blessing, "reason"))
    return text(blessing, "reason")


def test_an_artifact_knows_the_span_that_judged_its_run(store: Store) -> None:
    store.run(span=5)
    store.run(span=6)
    assert [span_of(lineage(store.store, model.mlmd_artifact)) for model in store.models] == [5, 6]


def test_an_artifact_that_tells_nothing_is_looked_up_and_one_that_tells_needs_no_dataset(store: Store) -> None:
    store.run(span=5, tells=False)
    store.run(span=6)
    for dataset in store.datasets:
        dataset.mlmd_artifact.custom_properties.clear()
    before = [span_of(lineage(store.store, pushed.mlmd_artifact)) for pushed in store.pushed]
    store.store.put_artifacts([dataset.mlmd_artifact for dataset in store.datasets])
    assert (before, [span_of(lineage(store.store, pushed.mlmd_artifact)) for pushed in store.pushed]) == ([5, 6], [0, 6])


def test_the_next_span_is_compared_with_the_last_blessed_model_and_publishes(store: Store) -> None:
    store.run(span=5)
    store.run(span=6)
    assert baseline(store) == [0]
    assert publishes(store)


def test_a_blessed_model_is_not_its_own_baseline_and_the_first_one_has_none(store: Store) -> None:
    store.run()
    assert baseline(store) == []
    store.run()
    assert baseline(store) == [0]


def test_a_refused_model_is_no_baseline(store: Store) -> None:
    store.run()
    store.run(blessed=False)
    store.run()
    assert baseline(store) == [0]


def test_the_run_of_a_past_day_is_not_compared_with_a_model_of_a_later_day(store: Store) -> None:
    for span in (5, 7, 6):
        store.run(span)
    assert baseline(store) == [0]


def test_the_run_of_a_past_day_publishes_nothing_over_a_later_day(store: Store) -> None:
    for span in (5, 7, 6):
        store.run(span)
    assert why_not_published(store) == "version 101, of a later span, is published"


def test_an_older_store_knows_the_later_day_too(store: Store) -> None:
    store.run(span=7, tells=False)
    store.run(span=6, data_root="/feed")
    assert not publishes(store)


def test_a_later_day_that_was_moved_away_is_not_published(store: Store) -> None:
    store.run(span=7)
    store.run(span=6)
    (store.folder / "100" / "saved_model.pb").unlink()
    assert publishes(store)


def test_data_without_spans_has_no_earlier_or_later_and_publishes(store: Store) -> None:
    store.run(span=7, data_root="/days")
    store.run(data_root="/days", eval_span="")
    assert publishes(store)
    store.run(data_root="/files", eval_span="")
    assert publishes(store)


def test_spans_of_other_data_are_not_later(store: Store) -> None:
    store.run(span=7, data_root="/clicks")
    store.run(span=6, data_root="/feed")
    assert publishes(store)
    store.run(span=6, data_root="/clicks/")
    assert not publishes(store)


def test_the_run_after_that_of_a_past_day_is_compared_with_the_later_day(store: Store) -> None:
    for span in (5, 7, 6, 8):
        store.run(span)
    assert baseline(store) == [1]


def test_a_past_day_publishes_where_the_later_one_was_refused(store: Store) -> None:
    store.run(span=5)
    store.run(span=7, published=False)
    store.run(span=6)
    assert publishes(store)


def test_the_same_span_again_may_publish(store: Store) -> None:
    store.run(span=5)
    store.run(span=5)
    assert publishes(store)


def test_a_model_that_was_trained_on_the_span_that_judges_is_no_baseline(store: Store) -> None:
    """The first run of a day splits it; after earlier days are ingested, all of that day judges."""
    store.run(span=7)
    store.run(span=7, trained=(5, 6))
    assert refusal(store) == "it was trained on rows that judge this one"


def test_a_model_that_was_trained_on_the_span_is_no_baseline_in_older_stores_either(store: Store) -> None:
    store.run(span=7, tells=False)
    store.run(span=7, trained=(5, 6))
    assert baseline(store) == []


def test_the_held_out_rows_of_the_same_split_are_new_to_both_models(store: Store) -> None:
    store.run(span=7, split_by="client_id: train 4, eval 1")
    store.run(span=7, split_by="client_id: train 4, eval 1")
    assert baseline(store) == [0]
    store.run(span=7, split_by="given")
    assert baseline(store) == []


def test_the_model_before_the_one_that_is_no_measure_is_the_baseline(store: Store) -> None:
    store.run(span=6, trained=(5,))
    store.run(span=7)
    store.run(span=7, trained=(5, 6))
    assert baseline(store) == [0]


def test_a_model_of_other_data_is_no_baseline(store: Store) -> None:
    store.run(span=5, data_root="/clicks")
    store.run(span=6, trained=(5,), data_root="/feed")
    assert refusal(store) == "it is of other data, /clicks"


def test_a_model_of_another_declaration_is_no_baseline(store: Store) -> None:
    store.run(span=5, declaration="act:label,city:category,topic:list")
    store.run(span=6, trained=(5,), declaration="act:label,age:category,topic:category")
    assert refusal(store) == "it is of another declaration: without age, with city, topic as list"


def test_data_without_spans_is_compared_with_itself(store: Store) -> None:
    store.run(split_by="given", data_root="/feed")
    store.run(split_by="given", data_root="/feed/")
    assert baseline(store) == [0]


def starts_from(store: Store) -> list[int]:
    """The run whose model the last run's training starts from."""
    inputs = {"model": store.models, "model_blessing": store.blessings, "dataset": [store.datasets[-1]]}
    outputs = LastBlessedOfEarlierSpan().resolve_artifacts(store.store, inputs)
    assert outputs is not None
    return [store.models.index(model) for model in outputs["model"]]


def test_a_training_starts_from_the_last_blessed_model_of_an_earlier_span(store: Store) -> None:
    store.run(span=1)
    assert starts_from(store) == []
    store.run(span=2, trained=(1,))
    store.run(span=3, trained=(1, 2), blessed=False)
    store.run(span=4, trained=(1, 2, 3))
    assert starts_from(store) == [1]
    # The same day again, which has a blessed model by now; and a past day, which knows of no later one.
    store.run(span=4, trained=(1, 2, 3))
    assert starts_from(store) == [1]
    store.run(span=2, trained=(1,))
    assert starts_from(store) == [0]


def test_no_training_starts_from_a_model_that_has_seen_the_judging_rows(store: Store) -> None:
    store.run(span=1, trained=(2,))
    store.run(span=2, trained=(1,))
    assert starts_from(store) == []


def test_a_training_on_data_without_spans_starts_anew(store: Store) -> None:
    store.run()
    store.run()
    assert starts_from(store) == []
