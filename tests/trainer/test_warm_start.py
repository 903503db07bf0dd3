"""What a model takes over from an earlier one of other vocabularies: real ones of Transform, and a real export."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow_transform as tft

from tests.support import TRANSFORMED, RawRow, analyze, random_rows, rows_of_default
from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.input_pipeline import read_dataset
from trainer.run import build_model
from trainer.signatures import ServingModule, export
from trainer.warm_start import WEIGHTS_FILE, start_from, write_weight_names
from transform.declaration import FIRST_TOKEN_ID
from transform.features import DECLARATION

# Of tokens that both days have.
COMMON = random_rows(DECLARATION, 40, tokens=6, seed=5)


@dataclasses.dataclass(frozen=True)
class Day:
    """A day's vocabularies, and `COMMON` as its ids have it."""

    output: tft.TFTransformOutput
    folder: Path

    def model(self, **settings: Any) -> DIN:
        return build_model(self.output, DECLARATION, Hyperparameters(embedding_dim=4, **settings))

    def vocabularies(self) -> dict[str, list[bytes]]:
        return {name: self.output.vocabulary_by_name(name) for name in DECLARATION.vocabularies}

    def logits(self, model: DIN) -> np.ndarray:
        rows = read_dataset([str(self.folder / TRANSFORMED)], self.output.transformed_feature_spec(), DECLARATION, 100)
        ((features, _),) = list(rows)
        return np.asarray(model(features, training=False))


def day(folder: Path, rows: list[RawRow]) -> Day:
    output, _ = analyze(rows, COMMON, DECLARATION, folder)
    return Day(output, folder)


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> tuple[Day, Day]:
    """The tokens 0 to 5 and a few that go; then 0 to 8, in another order of frequency."""
    earlier = day(tmp_path_factory.mktemp("earlier"), rows_of_default(200))
    later = day(tmp_path_factory.mktemp("later"), random_rows(DECLARATION, 300, tokens=9, seed=3))
    return earlier, later


@pytest.fixture(scope="module")
def exported(days: tuple[Day, Day], tmp_path_factory: pytest.TempPathFactory) -> tuple[DIN, str]:
    """A model of the earlier day, all of whose weights are random, and its export."""
    path = str(tmp_path_factory.mktemp("exported"))
    model = days[0].model()
    random = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(random.normal(0, 0.5, weight.shape))
    export(ServingModule(model, days[0].output, DECLARATION), path)
    write_weight_names(model, path)
    return model, path


def test_rows_of_known_tokens_score_as_before(days: tuple[Day, Day], exported: tuple[DIN, str]) -> None:
    earlier, later = days
    before, path = exported
    known = [token for token in earlier.vocabularies()["topic"] if token in later.vocabularies()["topic"]]
    assert known != later.vocabularies()["topic"][: len(known)]
    model = later.model()
    assert np.abs(later.logits(model) - earlier.logits(before)).max() > 0.1
    carried = start_from(model, later.vocabularies(), path)
    np.testing.assert_allclose(later.logits(model), earlier.logits(before), atol=1e-5)
    assert carried == dict.fromkeys(DECLARATION.vocabularies, 6)


def test_new_tokens_keep_their_fresh_rows(days: tuple[Day, Day], exported: tuple[DIN, str]) -> None:
    _, later = days
    model = later.model()
    fresh = {name: np.array(table.embeddings) for name, table in model.tables.items()}
    start_from(model, later.vocabularies(), exported[1])
    for name, tokens in later.vocabularies().items():
        now, earlier = (np.asarray(one.tables[name].embeddings) for one in (model, exported[0]))
        rows = range(FIRST_TOKEN_ID, len(now))
        changed = {tokens[row - FIRST_TOKEN_ID] for row in rows if (now[row] != fresh[name][row]).any()}
        assert changed == {str(token).encode() for token in range(6)}
        np.testing.assert_array_equal(now[:FIRST_TOKEN_ID], earlier[:FIRST_TOKEN_ID])


def test_layers_of_another_width_start_anew(days: tuple[Day, Day], exported: tuple[DIN, str]) -> None:
    _, later = days
    model = later.model(dnn_hidden_units=(8,))
    before = [np.array(weight) for weight in model.dnn.weights]
    assert start_from(model, later.vocabularies(), exported[1])
    for weight, value in zip(model.dnn.weights, before, strict=True):
        if weight.shape != (1,):
            np.testing.assert_array_equal(np.asarray(weight), value)


def test_a_model_that_does_not_tell_its_weights_names_is_an_error(days: tuple[Day, Day], tmp_path: Path) -> None:
    _, later = days
    with pytest.raises(ValueError, match=f"Received: {tmp_path}, without {WEIGHTS_FILE}"):
        start_from(later.model(), later.vocabularies(), str(tmp_path))
