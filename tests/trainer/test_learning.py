"""What the attention is worth: on planted local activation, and when there is nothing to learn."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from data.synthesize.command import SynthesisConfig, synthesize
from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.training import BestEpoch, compiled
from transform.declaration import FIRST_TOKEN_ID, LIST_SEPARATOR, WEIGHT_SEPARATOR, weight_name
from transform.features import DECLARATION

ROWS = 60_000
TRAIN_SHARE, VALIDATION_SHARE = 0.7, 0.1

Features = dict[str, np.ndarray]


def encode(rows: list[dict[str, str]]) -> Features:
    """The rows as the model's inputs. The synthetic tokens are small numbers, and so are their ids."""
    features: Features = {}
    for column in DECLARATION.columns:
        cells = [row[column.name] for row in rows]
        if column.kind == "category":
            features[column.name] = np.array([int(cell) + FIRST_TOKEN_ID for cell in cells])
        elif column.side is not None:
            entries = [[entry.split(WEIGHT_SEPARATOR) for entry in cell.split(LIST_SEPARATOR) if entry] for cell in cells]
            longest = max(map(len, entries))
            features[column.name] = np.zeros((len(rows), longest), np.int64)
            weights = np.zeros((len(rows), longest), np.float32)
            for position, row in enumerate(entries):
                features[column.name][position, : len(row)] = [int(entry[0]) + FIRST_TOKEN_ID for entry in row]
                weights[position, : len(row)] = [float(entry[-1]) for entry in row]
            if column.kind == "weighted_list":
                features[weight_name(column.name)] = weights
    return features


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Features, np.ndarray, float]:
    folder: Path = tmp_path_factory.mktemp("planted")
    result = synthesize(SynthesisConfig(rows=ROWS, spans=1), folder / "data", folder / "truth")
    (file,) = (folder / "data").glob("*.csv")
    with file.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    return encode(rows), np.array([int(row["act"]) for row in rows]), result.oracle_auc


def trained_auc(features: Features, labels: np.ndarray, changes: dict[str, Any]) -> float:
    """AUC on the rows after those that train and those that tell when to stop; all other settings at their defaults."""
    train, stop = int(len(labels) * TRAIN_SHARE), int(len(labels) * (TRAIN_SHARE + VALIDATION_SHARE))
    hyperparameters = Hyperparameters(**changes)
    keras.utils.set_random_seed(hyperparameters.seed)
    sizes = {
        name: int(max(features[column].max() for column in columns)) for name, columns in DECLARATION.vocabularies.items()
    }
    model = compiled(DIN(DECLARATION, sizes, hyperparameters), hyperparameters)
    parts = [
        ({name: value[rows] for name, value in features.items()}, labels[rows])
        for rows in (slice(train), slice(train, stop), slice(stop, None))
    ]
    model.fit(
        *parts[0],
        batch_size=hyperparameters.batch_size,
        epochs=hyperparameters.epochs,
        validation_data=parts[1],
        callbacks=[BestEpoch(hyperparameters.patience, hyperparameters.min_steps)],
        verbose=0,
    )
    return float(model.evaluate(*parts[2], verbose=0, return_dict=True)["auc"])


@pytest.mark.slow
def test_the_planted_interaction_is_found_with_and_without_crosses(planted: tuple[Features, np.ndarray, float]) -> None:
    features, labels, oracle = planted
    default = trained_auc(features, labels, {})
    attention = trained_auc(features, labels, {"wide_crosses": False})
    twin = trained_auc(features, labels, {"interest_pooling": "mean", "wide_crosses": False})
    print(f"AUC: twin {twin:.4f}, attention alone {attention:.4f}, default {default:.4f}, oracle {oracle:.4f}")
    assert default - twin >= 0.9 * (oracle - twin)
    assert attention - twin >= 0.9 * (oracle - twin)
