"""Tests of the Deep Interest Network."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.inputs import input_names
from transform.declaration import (
    Category,
    CategoryList,
    Declaration,
    Group,
    History,
    Label,
    Numeric,
    Pretrained,
    WeightedList,
    weight_name,
)
from transform.features import DECLARATION

# Starts far from zero, batch statistics and little dropout, so that every part shows.
SMALL = Hyperparameters(
    embedding_dim=4,
    embedding_start=0.25,
    attention_hidden_units=(6, 5),
    attention_activation="dice",
    attention_normalize=False,
    dnn_hidden_units=(8, 7),
    batch_norm=True,
    dropout=0.1,
)
SIZE = 9
TWO_HISTORIES = Declaration(
    (
        Label("act"),
        Group("client_id"),
        Category("client_type", side="user"),
        Category("topic_id", side="item", vocabulary="topic"),
        CategoryList("tags", side="item", vocabulary="tag", pooling="max"),
        WeightedList("entities", side="item", vocabulary="tag", pooling="sum"),
        Category("author", side="item"),
        History("clicks", queries=(("click_topic", "topic_id"), ("click_author", "author"))),
        History("shares", queries=(("share_topic", "topic_id"),)),
    )
)
NO_HISTORY = Declaration((Label("act"), Group("g"), Category("country", side="user"), Category("topic", side="item")))
NO_USER = Declaration((Label("act"), Group("g"), Category("topic", side="item"), CategoryList("tags", side="item")))
NUMBERS = Declaration((Label("act"), Group("g"), Numeric("age", side="user"), Numeric("price", side="item")))
GIVEN = Declaration(
    (
        *TWO_HISTORIES.features,
        Pretrained("author_vector", column="author", table="authors.csv"),
        Pretrained("tag_vector", column="tags", table="tags.csv", tuned=True),
        Pretrained("entity_vector", column="entities", table="tags.csv", pooling="sum"),
        Pretrained("client_vector", column="client_type", table="clients.csv"),
    )
)
WIDTH = 3
DECLARATIONS = [DECLARATION, TWO_HISTORIES, NO_HISTORY, NO_USER, NUMBERS, GIVEN]


def create(declaration: Declaration = DECLARATION, **changes: Any) -> DIN:
    keras.utils.set_random_seed(0)
    settings = SMALL.replace(**changes)
    given = [feature.name for feature in declaration.pretrained]
    model = DIN(declaration, dict.fromkeys(declaration.vocabularies, SIZE), settings, dict.fromkeys(given, (SIZE, WIDTH)))
    for name in given:
        model.set_pretrained(name, np.random.default_rng(1).normal(size=(SIZE, WIDTH)))
    return model


def random_features(declaration: Declaration, batch: int = 6, candidates: int | None = None) -> dict[str, np.ndarray]:
    """Random features of one candidate a row, or with an axis of candidates on the item side."""
    rng = np.random.default_rng(0)
    features: dict[str, np.ndarray] = {}
    for column in declaration.columns:
        if column.side is None:
            continue
        shape: tuple[int, ...] = (batch,)
        if column.side == "item" and candidates is not None:
            shape = (*shape, candidates)
        if column.kind == "numeric":
            features[column.name] = rng.normal(size=shape).astype("float32")
            continue
        if column.kind != "category":
            shape = (*shape, 5)
        ids = rng.integers(1, SIZE + 2, shape)
        if column.kind != "category":
            ids = np.where(np.arange(5) < rng.integers(1, 6, (*shape[:-1], 1)), ids, 0)
        features[column.name] = ids.astype("int64")
        if column.kind == "weighted_list":
            features[weight_name(column.name)] = rng.random(shape, "float32")
    for given in declaration.pretrained:
        ids = features[given.column]
        features[given.name] = np.where(ids > 1, ids - 1, 0)
    return features


def gradients(model: DIN, features: dict[str, np.ndarray]) -> list[np.ndarray | None]:
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.nn.softplus(model(features, training=True)) * np.arange(6.0, dtype="float32"))
    found = tape.gradient(loss, [weight.value for weight in model.trainable_weights])
    return [None if gradient is None else tf.convert_to_tensor(gradient).numpy() for gradient in found]


@pytest.mark.parametrize("interest_pooling", ["attention", "mean"])
@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_ranking_equals_scoring_each_candidate_alone(declaration: Declaration, interest_pooling: str) -> None:
    model = create(declaration, interest_pooling=interest_pooling)
    features = random_features(declaration, candidates=3)
    user, items = model.encode_user(features), model.encode_item(features)
    scores = model.score(user, items)
    item_inputs = input_names(declaration, "item")
    for i in range(3):
        alone = {name: value[:, i] if name in item_inputs else value for name, value in features.items()}
        np.testing.assert_allclose(scores[:, i], model(alone), rtol=1e-4, atol=1e-5)


def test_a_history_is_embedded_once_and_never_repeated_for_its_candidates() -> None:
    """By the shapes of the graph as it was traced. No two of these sizes multiply to a third."""
    users, candidates, positions, dim = 2, 7, 11, 5
    model = create(embedding_dim=dim, attention_hidden_units=(3,))
    features = random_features(DECLARATION, users, candidates)
    for column in ("hist_topic_id", "hist_keyword_id"):
        features[column] = np.ones((users, positions), "int64")

    def rank(features: Any) -> Any:
        return model.score(model.encode_user(features), model.encode_item(features))

    operations = tf.function(rank).get_concrete_function(features).graph.get_operations()
    outputs = [output for operation in operations for output in operation.outputs if output.shape.is_fully_defined()]
    looked_up = [tuple(output.shape) for output in outputs if "Gather" in output.op.type and positions in output.shape]
    assert [shape for shape in looked_up if shape[-1] == dim] == [(users, positions, dim)] * 2
    # The wide part's weights, too, are looked up once for all candidates.
    assert not [shape for shape in looked_up if candidates in shape]
    # A key [2 * dim] for each candidate and position would be one of these.
    sizes = {output.shape.num_elements() for output in outputs} - {0}
    assert not [size for size in sizes if size % (candidates * positions * dim) == 0]


def test_the_encodings_have_the_declared_shapes() -> None:
    model, features = create(TWO_HISTORIES), random_features(TWO_HISTORIES, candidates=3)
    user, items = model.encode_user(features), model.encode_item(features)
    assert {name: tuple(value.shape) for name, value in user.items() if not name.startswith("column ")} == {
        "wide": (6,),
        "context": (6, 4),
        "clicks_keys": (6, 5, 8),
        "clicks_mask": (6, 5),
        "shares_keys": (6, 5, 4),
        "shares_mask": (6, 5),
    }
    assert {name: tuple(value.shape) for name, value in items.items() if not name.startswith("column ")} == {
        "wide": (6, 3),
        "item": (6, 3, 16),
        "clicks_query": (6, 3, 8),
        "shares_query": (6, 3, 4),
    }
    _, scores = model.score(user, items, return_attention_scores=True)
    assert {name: tuple(value.shape) for name, value in scores.items()} == {"clicks": (6, 3, 5), "shares": (6, 3, 5)}


def test_a_position_is_valid_if_any_of_its_columns_has_a_token() -> None:
    model, features = create(), random_features(DECLARATION, batch=1)
    features["hist_topic_id"] = np.array([[2, 0, 2, 0]])
    features["hist_keyword_id"] = np.array([[2, 2, 0, 0]])
    np.testing.assert_array_equal(model.encode_user(features)["history_mask"], [[True, True, True, False]])


def test_keys_and_queries_concatenate_the_shared_embeddings_in_the_declared_order() -> None:
    model, features = create(), random_features(DECLARATION, batch=1, candidates=1)
    features["hist_topic_id"] = np.array([[5, 0]])
    features["hist_keyword_id"] = np.array([[7, 3]])
    features["topic_id"], features["keyword_id"] = np.array([[5]]), np.array([[7]])
    topics, keywords = (np.array(model.tables[name].embeddings) for name in ("topic", "keyword"))
    keys = model.encode_user(features)["history_keys"]
    expected = [[[*topics[5], *keywords[7]], [*np.zeros(4), *keywords[3]]]]
    np.testing.assert_allclose(keys, expected, rtol=1e-6)
    np.testing.assert_array_equal(model.encode_item(features)["history_query"], keys[:, :1])


@pytest.mark.parametrize("interest_pooling", ["attention", "mean"])
def test_padding_has_no_influence(interest_pooling: str) -> None:
    model, features = create(interest_pooling=interest_pooling), random_features(DECLARATION)
    padded = dict(features)
    for column in ("follow_topic_id", "all_topic_fav_7", "hist_topic_id", "hist_keyword_id"):
        padded[column] = np.pad(features[column], ((0, 0), (0, 3)))
    name = weight_name("all_topic_fav_7")
    padded[name] = np.pad(features[name], ((0, 0), (0, 3)), constant_values=np.nan)
    np.testing.assert_allclose(model(padded), model(features), rtol=1e-5, atol=1e-6)
    user = model.encode_user(padded)
    one = {name: padded[name][:, None] for name in input_names(DECLARATION, "item")}
    _, scores = model.score(user, model.encode_item(one), return_attention_scores=True)
    weights = np.array(scores["history"])[:, 0]
    np.testing.assert_array_equal(weights != 0, user["history_mask"])


@pytest.mark.parametrize(
    "changes", [{}, {"attention_normalize": True}, {"interest_pooling": "mean"}, {"attention_match_bias": False}]
)
@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_training_gives_the_numbers_of_inference(declaration: Declaration, changes: dict[str, Any]) -> None:
    """Without what is random or of the batch, they differ in how they compute alone."""
    plain = {"attention_activation": "sigmoid", "batch_norm": False, "dropout": 0.0}
    model, features = create(declaration, **plain, **changes), random_features(declaration)
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(size=weight.shape) / 2)
    for history in declaration.histories:
        for column in history.columns:
            features[column][2] = 0  # an empty history
            features[column][3, 1] = 0  # one that has a gap
    np.testing.assert_allclose(model(features, training=True), model(features), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("length", [0, 4])
@pytest.mark.parametrize("changes", [{}, {"attention_normalize": True}, {"interest_pooling": "mean"}])
def test_empty_histories_and_lists_give_finite_logits_and_gradients(length: int, changes: dict[str, Any]) -> None:
    model, features = create(**changes), random_features(DECLARATION)
    for name, value in features.items():
        if value.ndim == 2:
            features[name] = np.zeros((6, length), value.dtype)
    user = model.encode_user(features)
    items = model.encode_item({name: features[name][:, None] for name in input_names(DECLARATION, "item")})
    history = DECLARATION.histories[0]
    interest, _ = model._interest(history, user, items, False, model._matches(history, user, items))
    np.testing.assert_array_equal(interest, np.zeros((6, 1, 8)))
    assert np.isfinite(model(features)).all()
    assert all(np.isfinite(gradient).all() for gradient in gradients(model, features) if gradient is not None)


@pytest.mark.parametrize("activation", ["sigmoid", "prelu", "dice"])
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("declaration", DECLARATIONS[:2])
def test_every_weight_trains(declaration: Declaration, normalize: bool, activation: str) -> None:
    model = create(declaration, attention_activation=activation, dnn_activation=activation, attention_normalize=normalize)
    found = gradients(model, random_features(declaration))
    for weight, gradient in zip(model.trainable_weights, found, strict=True):
        assert gradient is not None, weight.path
        assert gradient.any(), weight.path
    assert {w.path for w in model.trainable_weights} >= {t.embeddings.path for t in model.tables.values()}


def test_training_never_changes_a_padding_row() -> None:
    model, features = create(), random_features(DECLARATION)
    before = {name: np.array(table.embeddings) for name, table in model.tables.items()}
    model.compile(keras.optimizers.Adam(0.1), keras.losses.BinaryCrossentropy(from_logits=True), run_eagerly=True)
    model.fit(features, np.array([0, 1] * 3), epochs=3, verbose=0)
    for name, table in model.tables.items():
        np.testing.assert_array_equal(np.array(table.embeddings)[0], before[name][0])
        assert not np.array_equal(np.array(table.embeddings), before[name])


def test_columns_of_a_vocabulary_share_one_table() -> None:
    model = create()
    assert set(model.tables) == {"client_type", "post_type", "topic", "keyword"}
    assert all(table.embeddings.shape == (SIZE + 2, 4) for table in model.tables.values())


def test_all_weights_exist_before_the_first_call() -> None:
    model = create(attention_activation="relu")
    tables, attention = 4 * (SIZE + 2) * 4, (4 * 8 * 6 + 6) + (6 * 5 + 5) + (5 + 1)
    width = 4 * (3 + 3 + 2)  # three vectors of the context, three of the item, one key of two
    dnn = width * 8 + 8 * 7 + (7 + 1) + 4 * (8 + 7)
    first_order, crosses, bias = 8 * (SIZE + 2), 2 * 3 + 1 + 2, 3 + 8
    assert model.count_params() == tables + attention + dnn + first_order + crosses + bias
    twin = create(interest_pooling="mean", wide_crosses=False)
    assert twin.count_params() == tables + dnn + first_order
    assert create(interest_pooling="mean", wide=False).count_params() == tables + dnn


def test_dropout_and_batch_statistics_follow_training() -> None:
    model, features = create(dropout=0.5), random_features(DECLARATION)
    np.testing.assert_array_equal(model(features), model(features))
    before = [np.array(w) for w in model.non_trainable_weights]
    assert not np.array_equal(model(features, training=True), model(features, training=True))
    for old, weight in zip(before, model.non_trainable_weights, strict=True):
        assert not np.array_equal(old, weight), weight.path


def test_fit_passes_training_on() -> None:
    model, features = create(), random_features(DECLARATION)
    before = [np.array(w) for w in model.non_trainable_weights]
    model.compile("sgd", keras.losses.BinaryCrossentropy(from_logits=True), jit_compile=False)
    model.evaluate(features, np.array([0, 1] * 3), verbose=0)
    for old, weight in zip(before, model.non_trainable_weights, strict=True):
        np.testing.assert_array_equal(old, weight)
    model.fit(features, np.array([0, 1] * 3), verbose=0)
    for old, weight in zip(before, model.non_trainable_weights, strict=True):
        assert not np.array_equal(old, weight), weight.path


def test_the_twin_pools_its_histories_without_looking_at_the_candidate() -> None:
    model, features = create(interest_pooling="mean"), random_features(DECLARATION, candidates=3)
    user, items = model.encode_user(features), model.encode_item(features)
    _, scores = model.score(user, items, return_attention_scores=True)
    mask = np.array(user["history_mask"])
    expected = np.repeat((mask / mask.sum(axis=1, keepdims=True))[:, None], 3, axis=1)
    np.testing.assert_allclose(scores["history"], expected, rtol=1e-6)


def test_it_runs_in_mixed_precision() -> None:
    settings = SMALL.replace(attention_normalize=True)
    model = DIN(DECLARATION, dict.fromkeys(DECLARATION.vocabularies, SIZE), settings, dtype="mixed_float16")
    assert np.isfinite(model(random_features(DECLARATION), training=True)).all()


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_weights_and_model_survive_saving(declaration: Declaration, tmp_path: Path) -> None:
    model, features = create(declaration), random_features(declaration)
    model(features, training=True)
    model.save_weights(tmp_path / "model.weights.h5")
    shapes = {feature.name: (SIZE, WIDTH) for feature in declaration.pretrained}
    other = DIN(declaration, dict.fromkeys(declaration.vocabularies, SIZE), SMALL, shapes)
    assert not np.array_equal(other(features), model(features))
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(other(features), model(features))
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.declaration == declaration
    assert loaded.hyperparameters == SMALL
    np.testing.assert_array_equal(loaded(features), model(features))


class Exported(tf.Module):
    """A module that owns a model, as the exported one does."""

    def __init__(self, model: DIN) -> None:
        super().__init__()
        self.model = model


def test_a_module_that_owns_it_survives_saving(tmp_path: Path) -> None:
    model = create()
    module = Exported(model)
    rows, ranked = random_features(DECLARATION), random_features(DECLARATION, candidates=3)

    def specs(features: dict[str, np.ndarray]) -> dict[str, tf.TensorSpec]:
        return {name: tf.TensorSpec([None] * v.ndim, v.dtype, name=name) for name, v in features.items()}

    @tf.function(input_signature=[specs(rows)])
    def predict(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"logit": model(features, training=False)}

    @tf.function(input_signature=[specs(ranked)])
    def rank(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return {"logits": model.score(model.encode_user(features), model.encode_item(features))}

    tf.saved_model.save(module, str(tmp_path), signatures={"serving_default": predict, "rank": rank})
    loaded = tf.saved_model.load(str(tmp_path))
    tensors = {name: tf.constant(value) for name, value in rows.items()}
    np.testing.assert_allclose(loaded.signatures["serving_default"](**tensors)["logit"], model(rows), rtol=1e-5)
    tensors = {name: tf.constant(value) for name, value in ranked.items()}
    logits = loaded.signatures["rank"](**tensors)["logits"]
    assert logits.shape == (6, 3)
    expected = model.score(model.encode_user(ranked), model.encode_item(ranked))
    np.testing.assert_allclose(logits, expected, rtol=1e-5, atol=1e-6)
    tensors |= {name: value[:, :0] for name, value in tensors.items() if name.startswith("hist")}
    assert np.isfinite(loaded.signatures["rank"](**tensors)["logits"]).all()


@pytest.mark.parametrize("sizes", [{}, {"country": 3}, {"country": 3, "topic": -1}, {"country": 3, "topic": "3"}])
def test_a_vocabulary_without_a_size_is_refused(sizes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"`vocabulary_sizes` must hold a size for vocabulary '(country|topic)'. Received"):
        DIN(NO_HISTORY, sizes, SMALL)


@pytest.mark.parametrize("column", ["hist_keyword_id", "all_topic_fav_7_weight", "topic_id"])
def test_a_missing_column_is_refused_by_name(column: str) -> None:
    model, features = create(), random_features(DECLARATION)
    del features[column]
    with pytest.raises(ValueError, match=rf"`features` must hold the (user|item) columns \['{column}'\]"):
        model(features)


def test_columns_that_are_no_inputs_are_ignored() -> None:
    model, features = create(), random_features(DECLARATION)
    np.testing.assert_array_equal(model({**features, "act": np.ones(6)}), model(features))


def test_given_vectors_are_concatenated_and_a_token_without_one_adds_nothing() -> None:
    model, features = create(GIVEN), random_features(GIVEN, batch=1, candidates=1)
    vectors = np.random.default_rng(1).normal(size=(SIZE, WIDTH))
    features["author_vector"], features["client_vector"] = np.array([[4]]), np.array([0])
    features["tag_vector"] = np.array([[[1, 0, 3]]])
    features["entity_vector"] = np.array([[[2, 0, 5]]])
    features["entities_weight"] = np.array([[[0.5, 7.0, 2.0]]], "float32")
    features["entities"] = np.array([[[2, 3, 4]]])
    expected = [vectors[3], (vectors[0] + vectors[2]) / 2, 0.5 * vectors[1] + 2.0 * vectors[4]]
    np.testing.assert_allclose(model.encode_item(features)["item"][0, 0, 16:], np.concatenate(expected), rtol=1e-5)
    np.testing.assert_array_equal(model.encode_user(features)["context"][0, 4:], np.zeros(WIDTH))


def test_frozen_vectors_are_not_trained_and_tuned_ones_are() -> None:
    model = create(GIVEN)
    trained = {weight.path for weight in model.trainable_weights}
    paths = {name: layer.embeddings.path for name, layer in model.pretrained.items()}
    assert {name for name, path in paths.items() if path in trained} == {"tag_vector"}
    assert [layer.embeddings.path for layer in model.trained_tables][-1] == paths["tag_vector"]


def test_each_history_is_attended_to_by_an_attention_of_its_own() -> None:
    model, features = create(TWO_HISTORIES), random_features(TWO_HISTORIES)
    one = {name: features[name][:, None] for name in input_names(TWO_HISTORIES, "item")}
    items, before = model.encode_item(one), model(features)
    _, seen = model.score(model.encode_user(features), items, return_attention_scores=True)
    for history, others in (("clicks", "shares"), ("shares", "clicks")):
        columns = next(one.columns for one in TWO_HISTORIES.histories if one.name == history)
        turned = features | {column: np.where(features[column] > 1, SIZE + 3 - features[column], 0) for column in columns}
        _, found = model.score(model.encode_user(turned), items, return_attention_scores=True)
        assert np.any(np.array(found[history]) != seen[history])
        np.testing.assert_array_equal(found[others], seen[others])
        assert np.all(np.any(np.array(model(turned)) != before))
    trained = dict(zip([weight.path for weight in model.trainable_weights], gradients(model, features), strict=True))
    for attention in model.attentions.values():
        kernels = [trained[weight.path] for weight in attention.trainable_weights]
        assert all(gradient is not None and np.any(gradient) for gradient in kernels)
