"""A training that goes on from what is kept of it; that a killed process does is a test of whole runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.checkpoint import Checkpoint
from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.input_pipeline import read_dataset, skip_epochs
from trainer.training import BestEpoch, compiled
from transform.declaration import Category, Declaration, Group, Label

DECLARATION = Declaration((Label("act"), Group("client_id"), Category("topic", side="item")))
SPEC = {
    "act": tf.io.FixedLenFeature([], tf.int64),
    "client_id": tf.io.FixedLenFeature([], tf.string),
    "topic": tf.io.FixedLenFeature([], tf.int64),
}
EPOCHS, TOPICS = 5, 20


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("examples") / "rows.gz")
    random = np.random.default_rng(0)
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for number in range(2000):
            feature = (example := tf.train.Example()).features.feature
            topic = int(random.integers(TOPICS))
            feature["act"].int64_list.value.append(int(random.random() < topic / TOPICS))
            feature["client_id"].bytes_list.value.append(str(number).encode())
            feature["topic"].int64_list.value.append(topic + 2)
            writer.write(example.SerializeToString())
    return path


class Killed(Exception):
    """Stands for the end of the process."""


class KillAfter(keras.callbacks.Callback):
    """Ends the training in the middle of the epoch that follows."""

    def __init__(self, epochs: int) -> None:
        super().__init__()
        self._epochs = epochs
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        if self._epoch == self._epochs and batch == 3:
            raise Killed


def held_out(file: str) -> tf.data.Dataset:
    return read_dataset([file], SPEC, DECLARATION, 1000)


def train(file: str, folder: Path, *others: keras.callbacks.Callback, patience: int = EPOCHS) -> tuple[DIN, list[int]]:
    """The model, and the epochs that were trained."""
    settings = Hyperparameters(embedding_dim=4, dnn_hidden_units=(8,), dropout=0.5, rate_schedule="cosine", batch_size=100)
    keras.utils.set_random_seed(settings.seed)
    rows = read_dataset([file], SPEC, DECLARATION, settings.batch_size, shuffle_seed=settings.seed)
    model = compiled(DIN(DECLARATION, {"topic": TOPICS}, settings), settings, steps=20 * EPOCHS)
    best = BestEpoch(patience, validation=held_out(file))
    checkpoint = Checkpoint(str(folder / "kept"), best)
    done, epochs = checkpoint.restore(model, EPOCHS)
    skip_epochs(rows, done)
    callbacks = [best, checkpoint, *others]
    history = model.fit(
        rows, initial_epoch=done, epochs=epochs, validation_data=held_out(file), verbose=0, callbacks=callbacks
    )
    return model, [epoch + 1 for epoch in history.epoch]


def assert_same(one: DIN, other: DIN) -> None:
    for mine, theirs in zip(one.variables, other.variables, strict=True):
        np.testing.assert_array_equal(np.asarray(mine), np.asarray(theirs), err_msg=mine.path)


@pytest.mark.parametrize("epochs", [1, 3])
def test_a_training_goes_on_after_its_last_finished_epoch_and_ends_as_one_whole(
    file: str, tmp_path: Path, epochs: int
) -> None:
    whole, _ = train(file, tmp_path / "whole")
    with pytest.raises(Killed):
        train(file, tmp_path / "killed", KillAfter(epochs))
    resumed, trained = train(file, tmp_path / "killed")
    assert trained == list(range(epochs + 1, EPOCHS + 1))
    assert_same(resumed, whole)


def test_a_training_that_had_ended_is_not_trained_on(file: str, tmp_path: Path) -> None:
    class Worse(keras.callbacks.Callback):
        """Stops as the callback of the best epoch does; it stands before it is kept."""

        def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
            self.model.stop_training = epoch == 1

    best, checkpoint_folder = BestEpoch(EPOCHS), tmp_path / "kept"
    settings = Hyperparameters(embedding_dim=4, dnn_hidden_units=(8,), batch_size=100)
    rows = read_dataset([file], SPEC, DECLARATION, 100, shuffle_seed=0)
    model = compiled(DIN(DECLARATION, {"topic": TOPICS}, settings), settings)
    checkpoint = Checkpoint(str(checkpoint_folder), best)
    assert checkpoint.restore(model, EPOCHS) == (0, EPOCHS)
    model.fit(rows, epochs=EPOCHS, validation_data=held_out(file), verbose=0, callbacks=[best, Worse(), checkpoint])
    again = compiled(DIN(DECLARATION, {"topic": TOPICS}, settings), settings)
    same = BestEpoch(EPOCHS)
    assert Checkpoint(str(checkpoint_folder), same).restore(again, EPOCHS) == (2, 2)
    again.fit(rows, initial_epoch=2, epochs=2, validation_data=held_out(file), verbose=0, callbacks=[same])
    assert same.best_epoch == best.best_epoch
    assert_same(again, model)


def test_what_is_kept_of_other_variables_is_left_alone(file: str, tmp_path: Path) -> None:
    train(file, tmp_path)
    settings = Hyperparameters(embedding_dim=5)
    model = compiled(DIN(DECLARATION, {"topic": TOPICS}, settings), settings)
    before = [np.array(variable) for variable in model.variables]
    assert Checkpoint(str(tmp_path / "kept"), BestEpoch(1)).restore(model, EPOCHS) == (0, EPOCHS)
    for variable, value in zip(model.variables, before, strict=True):
        np.testing.assert_array_equal(np.asarray(variable), value)


def test_what_is_kept_goes_when_it_is_told_to(file: str, tmp_path: Path) -> None:
    train(file, tmp_path)
    checkpoint = Checkpoint(str(tmp_path / "kept"), BestEpoch(1))
    assert (tmp_path / "kept" / "epoch.npz").exists()
    checkpoint.remove()
    assert not (tmp_path / "kept").exists()
    checkpoint.remove()
