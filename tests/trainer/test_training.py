"""Tests of the training: optimizers, stopping, and losses that are no numbers."""

from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from trainer.din import DIN
from trainer.hyperparameters import Hyperparameters
from trainer.schedule import Schedule, scheduled
from trainer.training import (
    BestEpoch,
    NonFiniteLossError,
    StopAtNonFiniteLoss,
    TailMean,
    TokenAdagrad,
    compiled,
    create_optimizer,
)
from transform.declaration import Category, Declaration, Group, History, Label, SampleWeight

DECLARATION = Declaration((Label("act"), Group("g"), Category("country", side="user"), Category("topic", side="item")))
SIZES = {"country": 3, "topic": 3}
ROWS = {"country": np.array([2, 3, 4, 2]), "topic": np.array([2, 2, 3, 0])}
LABELS = np.array([0, 1, 1, 0])


def create(declaration: Declaration = DECLARATION, **changes: Any) -> DIN:
    keras.utils.set_random_seed(0)
    settings = Hyperparameters(embedding_dim=2, dnn_hidden_units=(4,), batch_size=4, **changes)
    return compiled(DIN(declaration, SIZES, settings), settings)


def test_tokens_are_trained_by_adagrad_and_layers_by_adam() -> None:
    model = create()
    optimizer = create_optimizer(model, model.hyperparameters)
    optimizer.build(model.trainable_weights)
    kinds = {type(inner).__name__: inner for inner in optimizer.optimizers}
    assert set(kinds) == {"TokenAdagrad", "Adam"}
    chosen = {weight.path: type(optimizer._optimizer_map(weight)).__name__ for weight in model.trainable_weights}
    assert {path for path, kind in chosen.items() if kind == "Adam"} == {w.path for w in model.dnn.trainable_weights}


def test_what_matches_and_ages_are_worth_is_trained_as_the_wide_part_is() -> None:
    """They are weights of single facts that start at zero: in a thousand steps of Adam's rate they would hardly move."""
    declaration = Declaration((*DECLARATION.features, History("history", queries=(("hist_topic", "topic"),))))
    model = create(declaration)
    optimizer = model.optimizer
    optimizer.build(model.trainable_weights)
    bias = model.match_biases["history"].trainable_weights
    assert model.wide is not None
    wide = optimizer._optimizer_map(model.wide.trainable_weights[0])
    assert len(bias) == 2
    assert all(optimizer._optimizer_map(weight) is wide for weight in bias)


def test_the_first_step_of_a_token_depends_on_its_gradient_not_on_the_batch_size() -> None:
    steps = []
    for copies in (1, 4):
        model = create()
        settings = Hyperparameters(batch_size=4 * copies)
        model.compile(create_optimizer(model, settings), keras.losses.BinaryCrossentropy(from_logits=True))
        model.dnn.output_layer.kernel.assign(np.zeros((4, 1)))
        # One row of the token among as many others as the batch has room for; the logits are 0, the gradient 1/2.
        topics = np.array([3] + [2] * (4 * copies - 1))
        model.fit({"country": np.zeros_like(topics), "topic": topics}, np.ones(4 * copies), batch_size=4 * copies, verbose=0)
        assert model.wide is not None
        steps.append(float(np.array(model.wide.tables["topic"].embeddings)[3, 0]))
    np.testing.assert_allclose(steps, [0.05 * 0.5 / np.sqrt(0.1 + 0.25)] * 2, rtol=1e-3)


def test_the_steps_of_a_table_are_those_of_kerass_adagrad() -> None:
    tables = []
    for kind in (TokenAdagrad, keras.optimizers.Adagrad):
        table = keras.Variable(np.arange(10.0, dtype="float32").reshape(5, 2))
        optimizer = kind(0.1, initial_accumulator_value=0.01, epsilon=1e-15)
        for _ in range(3):
            # Row 3 twice: its gradients add up before they are squared.
            slices = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]]), tf.constant([3, 0, 3]), (5, 2))
            gradient = slices if kind is TokenAdagrad else tf.convert_to_tensor(slices)
            optimizer.apply([gradient], [table])
        tables.append(np.array(table))
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-6)


def test_what_is_unknown_stays_near_no_information() -> None:
    model = create()
    model.fit(ROWS, LABELS, epochs=5, verbose=0)
    assert model.wide is not None
    assert float(np.array(model.wide.tables["topic"].embeddings)[1, 0]) == 0
    assert np.abs(np.array(model.tables["topic"].embeddings)[1]).max() < 0.1


def test_rows_count_by_their_weights_in_training_and_for_its_end() -> None:
    weighted = Declaration((*DECLARATION.features, SampleWeight("weight")))
    weights = np.array([2.0, 1.0, 0.0, 1.0], np.float32)
    rows = tf.data.Dataset.from_tensors((ROWS, LABELS, weights))
    # The first row twice instead, and the third not at all.
    chosen = [0, 0, 1, 3]
    alike = tf.data.Dataset.from_tensors(({name: ids[chosen] for name, ids in ROWS.items()}, LABELS[chosen]))
    # Statistics of a batch, and what is dropped of it, are of its rows as they are.
    models = [create(one, batch_norm=False, dnn_activation="relu", dropout=0.0) for one in (weighted, DECLARATION)]
    found = [
        model.fit(data, epochs=3, validation_data=data, verbose=0).history
        for model, data in zip(models, (rows, alike), strict=True)
    ]
    assert set(found[0]) == set(found[1])
    assert found[0]["val_log_loss"] == pytest.approx(found[1]["val_log_loss"], rel=1e-4)
    for counted, repeated in zip(models[0].trainable_weights, models[1].trainable_weights, strict=True):
        np.testing.assert_allclose(np.array(counted), np.array(repeated), atol=1e-5, err_msg=counted.path)


def test_a_loss_that_is_no_number_stops_and_names_the_batch() -> None:
    model = create()
    model.dnn.output_layer.bias.assign([np.nan])
    with pytest.raises(NonFiniteLossError, match=r"Received: nan at batch 1 of epoch 1"):
        model.fit(ROWS, LABELS, verbose=0, callbacks=[StopAtNonFiniteLoss()])


def train(callback: BestEpoch, losses: list[float], steps: int = 10) -> Any:
    """Feeds the losses of epochs to the callback; the weights are the epoch's number."""
    model = SimpleNamespace(stop_training=False, weights=[])
    model.get_weights = lambda: list(model.weights)
    model.set_weights = lambda weights: setattr(model, "weights", weights)
    callback.set_model(model)
    model.epochs = 0
    for epoch, loss in enumerate(losses):
        for step in range(steps):
            callback.on_train_batch_end(step)
        model.weights, model.epochs = [epoch + 1], epoch + 1
        callback.on_epoch_end(epoch, {"val_log_loss": loss})
        if model.stop_training:
            break
    callback.on_train_end()
    return model


def test_training_stops_when_the_loss_rises_and_keeps_the_best_weights() -> None:
    callback = BestEpoch(patience=1)
    model = train(callback, [0.6, 0.5, 0.55, 0.4])
    assert (model.epochs, model.weights, callback.best_epoch) == (3, [2], 2)


def test_patience_waits() -> None:
    assert train(BestEpoch(patience=2), [0.6, 0.5, 0.55, 0.4, 0.41, 0.42, 0.3]).weights == [4]


def test_a_few_steps_are_no_reason_to_stop() -> None:
    assert train(BestEpoch(patience=1, min_steps=35), [0.69, 0.70, 0.71, 0.5, 0.6]).weights == [4]


def test_it_reads_the_log_loss_of_the_validation_rows_in_a_real_fit() -> None:
    model, best = create(epochs=3), BestEpoch(patience=3)
    history = model.fit(ROWS, LABELS, epochs=3, validation_data=(ROWS, LABELS), verbose=0, callbacks=[best])
    assert best.best_epoch == int(np.argmin(history.history["val_log_loss"])) + 1
    measured = model.evaluate(ROWS, LABELS, verbose=0, return_dict=True)["log_loss"]
    np.testing.assert_allclose(measured, min(history.history["val_log_loss"]), rtol=1e-5)


def test_the_mean_is_of_steps_of_the_last_quarter_of_an_epoch() -> None:
    tail = TailMean(320)
    assert tail.steps == {319, 309, 299, 289, 279, 269, 259, 249}
    for weight in (1.0, 2.0, 6.0):
        tail.add([np.array([weight])])
    np.testing.assert_allclose(tail.mean, [[3.0]])
    assert (TailMean(1).steps, TailMean().steps) == ({0}, set())


@pytest.mark.parametrize(("of_mean", "expected"), [(0.49, 2.5), (0.499, 3.0), (0.51, 3.0)])
def test_the_mean_is_taken_where_the_validation_rows_say_so_clearly(of_mean: float, expected: float) -> None:
    """The weights of the last two of eight steps, a quarter, are 2 and 3."""
    model = SimpleNamespace(stop_training=False, weights=[])
    model.get_weights = lambda: list(model.weights)
    model.set_weights = lambda weights: setattr(model, "weights", weights)
    measured: list[Any] = []

    def evaluate(rows: Any, **kwargs: Any) -> dict[str, float]:
        measured.append((rows, model.weights[0]))
        return {"log_loss": of_mean}

    model.evaluate = evaluate
    best = BestEpoch(patience=1, validation="rows")
    best.set_model(model)
    best.set_params({"steps": 8})
    best.on_epoch_begin(0)
    for step in range(8):
        model.weights = [float(step) - 4]
        best.on_train_batch_end(step)
    best.on_epoch_end(0, {"val_log_loss": 0.5})
    assert measured == [("rows", 2.5)]
    assert model.weights == [3.0]  # the training goes on from where it was
    best.on_train_end()
    assert model.weights == [expected]


def test_a_real_fit_keeps_the_mean_of_noisy_steps() -> None:
    model = create(learning_rate=0.5, epochs=1)
    rows = tf.data.Dataset.from_tensor_slices((ROWS, LABELS)).repeat(10).batch(1).prefetch(1)
    best = BestEpoch(patience=1, validation=rows)
    model.fit(rows, epochs=1, validation_data=rows, verbose=0, callbacks=[best])
    kept = best.get_state()[0]["loss"]
    found = model.evaluate(rows, verbose=0, return_dict=True)["log_loss"]
    np.testing.assert_allclose(found, kept, rtol=1e-4)


def test_one_learning_rate_scales_all() -> None:
    model = create()
    optimizer = create_optimizer(model, Hyperparameters(learning_rate=1e-6))
    rates = sorted(float(inner.learning_rate) for inner in optimizer.optimizers)
    np.testing.assert_allclose(rates, [1e-6, 4e-5, 1e-4], rtol=1e-5)


def rates(steps: int, at: list[int], **settings: Any) -> list[float]:
    schedule = scheduled(1.0, Hyperparameters(**settings), steps)
    assert isinstance(schedule, Schedule)
    same = Schedule.from_config(schedule.get_config())
    return [float(same(np.int64(step))) for step in at]


def test_learning_rates_fall_by_the_schedule_and_stay_at_its_end() -> None:
    np.testing.assert_allclose(rates(100, [0, 50, 100, 900], rate_schedule="cosine"), [1, 0.505, 0.01, 0.01], rtol=1e-5)
    exponential = rates(100, [0, 50, 100, 900], rate_schedule="exponential", rate_end=0.25)
    np.testing.assert_allclose(exponential, [1, 0.5, 0.25, 0.25], rtol=1e-5)
    warm = {"rate_schedule": "cosine", "warmup_steps": 20, "rate_end": 0.5}
    np.testing.assert_allclose(rates(120, [0, 9, 19, 20, 70, 120], **warm), [0.05, 0.5, 1, 1, 0.75, 0.5], rtol=1e-5)
    np.testing.assert_allclose(rates(0, [0, 4, 9, 99], warmup_steps=10), [0.1, 0.5, 1, 1], rtol=1e-5)


def test_a_schedule_without_steps_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"`steps` must be positive for a schedule that is cosine. Received: 0."):
        create(rate_schedule="cosine")


def test_all_optimizers_follow_the_schedule_in_a_fit() -> None:
    settings = Hyperparameters(rate_schedule="exponential", rate_end=0.25, batch_size=1)
    model = compiled(DIN(DECLARATION, SIZES, settings), settings, steps=8)
    model.fit(ROWS, LABELS, batch_size=1, epochs=1, verbose=0)
    left = sorted(float(inner.learning_rate) for inner in model.optimizer.optimizers)
    np.testing.assert_allclose(left, [5e-4 / 2, 2e-2 / 2, 5e-2 / 2], rtol=1e-5)


def test_weight_decay_takes_a_share_off_the_kernels_of_the_dnn_alone() -> None:
    """What is seen of the decay: a training with it, beside one without, of a single step."""
    trained = []
    for decay in (0.0, 0.5):
        model = create(weight_decay=decay, learning_rate=0.1, dropout=0.0)
        before = [np.array(weight) for weight in model.trainable_weights]
        model.fit(ROWS, LABELS, batch_size=4, epochs=1, verbose=0)
        trained.append([np.array(weight) for weight in model.trainable_weights])
    kernels = {weight.path for weight in model.dnn.trainable_weights if weight.name == "kernel"}
    assert len(kernels) == 2
    for weight, start, plain, decayed in zip(model.trainable_weights, before, *trained, strict=True):
        expected = plain - 0.5 * 0.1 * start if weight.path in kernels else plain
        np.testing.assert_allclose(decayed, expected, atol=1e-6, err_msg=weight.path)
