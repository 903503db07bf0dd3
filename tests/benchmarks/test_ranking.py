"""The bound and the requests of the ranking benchmark."""

from __future__ import annotations

import random

import tensorflow as tf

from benchmarks._ranking_bound import gemm_flops
from benchmarks._ranking_requests import REQUESTS, random_feed
from trainer.hyperparameters import Hyperparameters
from transform.declaration import Category, Declaration, Group, History, Label
from transform.features import DECLARATION

SMALL = Declaration(
    (
        Label("act"),
        Group("client_id"),
        Category("city", side="user"),
        Category("topic", side="item"),
        History("history", queries=(("clicks", "topic"),), max_length=5),
    )
)


def test_the_products_are_the_hand_counted_ones() -> None:
    settings = Hyperparameters(embedding_dim=2, attention_hidden_units=(3, 4), dnn_hidden_units=(6, 7))
    user = 5 * 2 * 3 + 2 * 6  # the keys' part of the attention's first layer; the city's of the DNN's
    attention = 5 * (2 * 3 + 3 * 4 + 4) + 5 * 2
    dnn = (2 + 2) * 6 + 6 * 7 + 7
    assert gemm_flops(SMALL, settings, 10) == 2 * (user + 10 * (attention + dnn))


def test_all_ways_ask_for_the_same() -> None:
    vocabularies = {name: [b"a", b"b", b"c"] for name in DECLARATION.vocabularies}
    feed = random_feed(DECLARATION, vocabularies, 4, random.Random(0))
    rank, columns, examples = (create(feed).inputs for create in REQUESTS.values())
    parsed = [tf.train.Example.FromString(example) for example in tf.make_ndarray(examples["examples"])]
    for name in DECLARATION.serving_columns:
        expected = tf.make_ndarray(columns[name]).tolist()
        assert [example.features.feature[name].bytes_list.value[0] for example in parsed] == expected
        ranked = tf.make_ndarray(rank[name]).tolist()
        assert (ranked[0] if name in feed.items[0] else ranked * 4) == expected
    assert len(feed.user["hist_topic_id"].split(b",")) == 50
