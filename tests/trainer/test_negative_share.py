"""Training on a share of the negatives: which rows stay, and that the scores do not show it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.input_pipeline import read_dataset
from trainer.training import BestEpoch, compiled
from transform.declaration import Category, Declaration, Group, Label

DECLARATION = Declaration(
    (Label("act"), Group("client_id"), Category("country", side="user"), Category("topic", side="item"))
)
SPEC = {
    "act": tf.io.FixedLenFeature([], tf.int64),
    "client_id": tf.io.FixedLenFeature([], tf.string),
    "country": tf.io.FixedLenFeature([], tf.int64),
    "topic": tf.io.FixedLenFeature([], tf.int64),
}
ROWS, TOPICS, COUNTRIES, SHARE = 40_000, 8, 3, 0.1


def planted(seed: int) -> dict[str, np.ndarray]:
    """Rows whose click rate is 0.04 to 0.5, by topic and country; transformed ids."""
    random = np.random.default_rng(seed)
    topic, country = random.integers(0, TOPICS, ROWS), random.integers(0, COUNTRIES, ROWS)
    logits = -3 + 0.35 * topic + 0.3 * country
    labels = random.random(ROWS) < 1 / (1 + np.exp(-logits))
    return {"topic": topic + 2, "country": country + 2, "act": labels.astype(np.int64)}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("examples") / "rows.gz")
    rows = planted(0)
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for number in range(ROWS):
            feature = {
                name: tf.train.Feature(int64_list=tf.train.Int64List(value=[values[number]]))
                for name, values in rows.items()
            }
            client = tf.train.BytesList(value=[str(number).encode()])
            feature["client_id"] = tf.train.Feature(bytes_list=client)
            writer.write(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())
    return path


def labels_of(file: str, share: float, seed: int | None = None) -> np.ndarray:
    dataset = read_dataset([file], SPEC, DECLARATION, 256, shuffle_seed=seed, negative_share=share)
    batches = [labels.numpy() for _, labels in dataset]
    assert len(batches) == int(dataset.cardinality())
    return np.concatenate(batches)


def test_all_clicks_stay_and_the_share_of_the_rest(file: str) -> None:
    clicks = int(planted(0)["act"].sum())
    labels = labels_of(file, SHARE)
    assert int(labels.sum()) == clicks
    expected = SHARE * (ROWS - clicks)
    assert abs(len(labels) - clicks - expected) < 4 * np.sqrt(expected)
    assert len(labels_of(file, 1.0)) == ROWS


def test_which_rows_stay_follows_from_the_seed(file: str) -> None:
    def topics(seed: int) -> list[int]:
        dataset = read_dataset([file], SPEC, DECLARATION, 4096, shuffle_seed=seed, negative_share=SHARE)
        twice = [np.sort(np.concatenate([features["topic"].numpy() for features, _ in dataset])) for _ in range(2)]
        assert twice[0].tolist() == twice[1].tolist()
        return np.bincount(twice[0]).tolist()

    assert topics(1) == topics(1)
    assert topics(1) != topics(2)


def test_the_scores_are_calibrated_with_a_tenth_of_the_negatives(file: str) -> None:
    settings = Hyperparameters(negative_share=SHARE, learning_rate=2e-3, embedding_dim=4, dnn_hidden_units=(8,), dropout=0.0)
    keras.utils.set_random_seed(0)
    model = compiled(DIN(DECLARATION, {"topic": TOPICS, "country": COUNTRIES}, settings), settings)
    train = read_dataset([file], SPEC, DECLARATION, 256, shuffle_seed=0, negative_share=SHARE)
    everything = read_dataset([file], SPEC, DECLARATION, 4096)
    history = model.fit(train, epochs=6, validation_data=everything, verbose=0, callbacks=[BestEpoch(6)]).history
    rows = planted(1)
    features = {name: tf.constant(rows[name]) for name in ("topic", "country")}
    scores = keras.ops.convert_to_numpy(keras.ops.sigmoid(model(features, training=False)))
    clicks = rows["act"]
    assert scores.sum() / clicks.sum() == pytest.approx(1, abs=0.06)
    for topic in range(2, TOPICS + 2):
        chosen = rows["topic"] == topic
        assert scores[chosen].sum() / clicks[chosen].sum() == pytest.approx(1, abs=0.25)
    # The rows that tell when to stop are all there: a model that is not corrected has a log loss of more than 0.6 on them.
    entropy = -np.log(np.where(clicks == 1, scores, 1 - scores)).mean()
    assert min(history["val_log_loss"]) == pytest.approx(entropy, abs=0.02)
    uncorrected = keras.ops.convert_to_numpy(keras.ops.sigmoid(model(features, training=True)))
    assert uncorrected.sum() / clicks.sum() > 2
