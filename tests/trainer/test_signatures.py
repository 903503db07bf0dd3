"""The exported model, loaded in a fresh process, against transformed examples on disk through the trained Keras model."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from tests.support import EDGE_ROWS, TRANSFORMED, RawRow, analyze, random_rows, rows_of_default, serialized
from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.input_pipeline import read_dataset
from trainer.run import build_model, compiled
from trainer.signatures import SCORE, ServingModule, export
from transform.features import DECLARATION, Category, CategoryList, Declaration

pytestmark = pytest.mark.slow

TOLERANCE = 1e-5

# Loads a SavedModel with TensorFlow alone, and calls a signature.
CALL = """
import json, sys
import numpy as np
import tensorflow as tf
path, requests = sys.argv[1], json.load(sys.stdin)
model = tf.saved_model.load(path)
answers = {}
for name, inputs in requests.items():
    decoded = {key: tf.constant([bytes.fromhex(cell) for cell in cells]) for key, cells in inputs.items()}
    answers[name] = {key: value.numpy().tolist() for key, value in model.signatures[name](**decoded).items()}
answers["inputs"] = sorted(model.signatures["serving_default"].structured_input_signature[1])
assert "keras" not in sys.modules
print(json.dumps(answers))
"""


@dataclasses.dataclass(frozen=True)
class Exported:
    """A trained model, its reference scores, and what its export answered in a fresh process."""

    model: DIN
    declaration: Declaration
    rows: list[RawRow]
    reference: np.ndarray
    answers: dict[str, Any]


def export_trained(declaration: Declaration, training: list[RawRow], rows: list[RawRow], folder: Path) -> Exported:
    output, _ = analyze(training, training + rows, declaration, folder)
    dataset = read_dataset([str(folder / TRANSFORMED)], output.transformed_feature_spec(), declaration, batch_size=16)
    hyperparameters = Hyperparameters(epochs=3, batch_size=16)
    keras.utils.set_random_seed(hyperparameters.seed)
    model = compiled(build_model(output, declaration, hyperparameters), hyperparameters)
    model.fit(dataset, epochs=hyperparameters.epochs, verbose=0)
    export(ServingModule(model, output, declaration), str(folder / "export"))

    logits = np.concatenate([model(features, training=False) for features, _ in dataset])[len(training) :]
    requests = {
        "serving_default": {name: [row[name].encode().hex() for row in rows] for name in declaration.serving_columns},
        "serve_examples": {"examples": [example.hex() for example in serialized(rows, declaration)]},
        "transform_features": {"examples": [example.hex() for example in serialized(rows, declaration)]},
    }
    run = subprocess.run(
        [sys.executable, "-c", CALL, str(folder / "export")],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return Exported(model, declaration, rows, 1 / (1 + np.exp(-logits)), json.loads(run.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export_trained(DECLARATION, rows_of_default(200), EDGE_ROWS, tmp_path_factory.mktemp("exported"))


@pytest.mark.parametrize("signature", ["serving_default", "serve_examples"])
def test_scores_agree_with_the_reference(exported: Exported, signature: str) -> None:
    scores = np.array(exported.answers[signature][SCORE])
    assert scores.shape == (len(EDGE_ROWS),)
    worst = np.max(np.abs(scores - exported.reference))
    print(f"{signature}: worst difference {worst:.2e}")
    assert worst < TOLERANCE


def test_scores_differ_between_rows(exported: Exported) -> None:
    assert np.ptp(exported.reference) > 100 * TOLERANCE


def test_rows_score_the_same_alone_and_in_a_batch(exported: Exported) -> None:
    """Padding to the longest of a batch has no influence."""
    features = {name: np.array(value) for name, value in exported.answers["transform_features"].items()}
    alone = [
        exported.model({name: value[i : i + 1] for name, value in features.items()}, training=False).numpy()[0]
        for i in range(len(EDGE_ROWS))
    ]
    assert 1 / (1 + np.exp(-np.array(alone))) == pytest.approx(exported.reference, abs=TOLERANCE)


def test_serving_default_takes_the_csv_columns_by_name(exported: Exported) -> None:
    assert exported.answers["inputs"] == sorted(DECLARATION.serving_columns)


def test_transform_features_gives_the_models_inputs(exported: Exported) -> None:
    transformed = exported.answers["transform_features"]
    assert set(transformed) == set(DECLARATION.serving_columns) | {"all_topic_fav_7_weight"}
    assert np.shape(transformed["hist_topic_id"]) == (len(EDGE_ROWS), 50)


def test_a_feature_added_in_one_line_arrives_in_the_model_and_in_the_serving_signature(tmp_path: Path) -> None:
    declaration = Declaration(
        (
            *DECLARATION.features,
            Category("city", side="user"),
            CategoryList("tags", side="item", vocabulary="keyword"),
        )
    )
    training = random_rows(declaration, 200)
    rows = random_rows(declaration, 1, seed=1)
    rows += [rows[0] | {"city": "2"}, rows[0] | {"tags": "1,2"}, rows[0] | {"city": "3", "tags": ""}]
    exported = export_trained(declaration, training, rows, tmp_path)

    assert {"city", "tags"} <= set(exported.answers["inputs"])
    assert "city" in exported.model.tables
    scores = np.array(exported.answers["serving_default"][SCORE])
    assert scores == pytest.approx(exported.reference, abs=TOLERANCE)
    assert len({round(score, 6) for score in scores}) == len(scores)
