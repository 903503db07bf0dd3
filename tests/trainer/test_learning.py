"""What the attention is worth: on planted local activation, and when there is nothing to learn."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import pytest

from data.synthesize.command import SynthesisConfig, synthesize
from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.training import compiled
from transform.declaration import FIRST_TOKEN_ID, LIST_SEPARATOR, WEIGHT_SEPARATOR, weight_name
from transform.features import DECLARATION

ROWS = 60_000
TRAIN_SHARE = 0.8

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


def trained_auc(features: Features, labels: np.ndarray, interest_pooling: Literal["attention", "mean"]) -> float:
    """AUC on the rows after the training rows; one epoch, all settings at their defaults."""
    train = int(len(labels) * TRAIN_SHARE)
    hyperparameters = Hyperparameters(interest_pooling=interest_pooling)
    keras.utils.set_random_seed(hyperparameters.seed)
    sizes = {
        name: int(max(features[column].max() for column in columns)) for name, columns in DECLARATION.vocabularies.items()
    }
    model = compiled(DIN(DECLARATION, sizes, hyperparameters), hyperparameters)
    model.fit(
        {name: value[:train] for name, value in features.items()},
        labels[:train],
        batch_size=hyperparameters.batch_size,
        epochs=hyperparameters.epochs,
        verbose=0,
    )
    held_out = {name: value[train:] for name, value in features.items()}
    return float(model.evaluate(held_out, labels[train:], verbose=0, return_dict=True)["auc"])


@pytest.mark.slow
def test_attention_closes_half_of_the_gap_between_mean_pooling_and_the_oracle(
    planted: tuple[Features, np.ndarray, float],
) -> None:
    features, labels, oracle = planted
    attention = trained_auc(features, labels, "attention")
    mean = trained_auc(features, labels, "mean")
    print(f"AUC: mean {mean:.4f}, attention {attention:.4f}, oracle {oracle:.4f}")
    assert attention - mean >= 0.5 * (oracle - mean)
