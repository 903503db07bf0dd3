"""The exported model: one module that owns the trained DIN and Transform's graph, and the signatures of both.

| signature | input | output |
|---|---|---|
| serving_default | the CSV's columns by name, strings [B], without the label and the group | `score`, float32 [B] |
| rank | the user's columns, strings [B], and the candidates' columns, strings [B, K] | `score`, float32 [B, K] |
| explain | as rank | as rank, and `attention_<history>`, float32 [B, K, T], and `tokens_<column>`, strings [B, T] |
| serve_examples | `examples`: serialized tf.Examples, strings [B] | `score`, float32 [B] |
| transform_features | `examples`, as above | the transformed features, lists padded with 0 |

`rank` looks up, splits and projects a user's history once for all K candidates. A candidate all of whose columns are the
empty string is padding: it scores `PADDING_SCORE` and attends to nothing. So requests of unequal K can share a batch, as
with TensorFlow Serving's `pad_variable_length_inputs`; the caller cuts the answer to its own K.

What a row holds does no harm to its neighbours in a batch: a user, a candidate or a row with a malformed weight or number
scores as the padding does, in every signature, and `transform_features` gives it as NaN. A request for more scores than
`ExportSettings` allows is refused as a whole, whichever server runs the model.

`explain` adds how strongly each candidate attends to each position of each history, and for each column of a history the
tokens of these positions: the newest `max_length`, oldest first, padded at the end with the empty string. T is the longest
history of the batch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft

from trainer.din import DIN
from trainer.export_settings import ExportSettings
from trainer.input_pipeline import pad
from trainer.inputs import input_names
from trainer.transform_graph import TransformGraph
from trainer.warmup import warmup_records, write_warmup
from transform.declaration import Declaration, WeightedList, weight_name
from transform.parsing import split_history
from transform.schema import raw_feature_spec

SCORE = "score"
PADDING_SCORE = -1.0

Tensors = dict[str, tf.Tensor]
Columns = Mapping[str, tf.Tensor]
Function = Callable[[Any], Any]


def attention_name(history: str) -> str:
    """The name of `explain`'s output that holds the attention weights of a history."""
    return f"attention_{history}"


def tokens_name(column: str) -> str:
    """The name of `explain`'s output that holds the tokens of a history's column."""
    return f"tokens_{column}"


class ServingModule:
    """What TensorFlow Serving loads: functions, and the `root` that owns the variables and tables they use.

    Args:
        model: The trained model.
        transform_output: Transform's output, whose vocabularies and graph the module takes along.
        declaration: The declared features.
    """

    def __init__(self, model: DIN, transform_output: tft.TFTransformOutput, declaration: Declaration) -> None:
        self._model = model
        self._transform = TransformGraph(transform_output)
        self._declaration = declaration
        self._transform_output = transform_output
        self._user_columns = declaration.side_columns("user")
        self._item_columns = declaration.side_columns("item")
        self._user_features = input_names(declaration, "user")
        self._item_features = input_names(declaration, "item")
        self._weights = {weight_name(f.name) for f in declaration.lists if isinstance(f, WeightedList)}
        self._numbers = {feature.name for feature in declaration.numerics}

    @property
    def root(self) -> tf.Module:
        """What a SavedModel keeps.

        It owns TensorFlow's variables, not the Keras model: of a Keras variable, Keras 3.15 saves a copy, and it is the copy
        that a session, and so TensorFlow Serving, restores, while the functions read the original.
        """
        root = tf.Module()
        root.transform = self._transform
        root.weights = [variable.value for variable in self._model.variables]
        return root

    @property
    def declaration(self) -> Declaration:
        return self._declaration

    def vocabularies(self) -> dict[str, list[bytes]]:
        """The tokens of each vocabulary, the most frequent first."""
        return {name: self._transform_output.vocabulary_by_name(name) for name in self._declaration.looked_up}

    def signatures(self, settings: ExportSettings | None = None) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The concrete functions to export, by signature name.

        Args:
            settings: The settings, of which the bounds of a request are built in. Default to their defaults.
        """
        bounds = settings or ExportSettings()

        def strings(name: str, *shape: None) -> tf.TensorSpec:
            return tf.TensorSpec(shape, tf.string, name=name)

        row = {name: strings(name, None) for name in self._declaration.serving_columns}
        ranking = row | {name: strings(name, None, None) for name in self._item_columns}
        examples = strings("examples", None)
        # What two signatures share is a function that both call: the graphs of each are traced, written and loaded, by every
        # server and evaluator, only once. TensorFlow inlines the calls before it runs them.
        transform = _traced(self._transform_row, row)
        score = _traced(functools.partial(self._score_columns, bounds, transform), row)
        candidates = _traced(functools.partial(self._score_candidates, bounds), ranking)
        return {
            "serving_default": score,
            "rank": _traced(functools.partial(self._rank, candidates), ranking),
            "explain": _traced(functools.partial(self._explain, candidates), ranking),
            "serve_examples": _traced(functools.partial(self._score_examples, bounds, score), examples),
            "transform_features": _traced(functools.partial(self._transform_examples, transform), examples),
        }

    def _score_columns(self, bounds: ExportSettings, transform: Function, columns: Columns) -> Tensors:
        features, malformed = self._without_malformed(transform(_checked(columns, bounds)))
        logits = self._model(features, training=False)
        return {SCORE: tf.where(malformed, PADDING_SCORE, keras.ops.sigmoid(logits))}

    def _score_examples(self, bounds: ExportSettings, score: Function, examples: tf.Tensor) -> Tensors:
        answer: Tensors = score(self._parse(_checked({"examples": examples}, bounds)["examples"]))
        return answer

    def _transform_examples(self, transform: Function, examples: tf.Tensor) -> Tensors:
        features: Tensors = transform(self._parse(examples))
        return features

    def _rank(self, score_candidates: Function, columns: Columns) -> Tensors:
        scores, _ = score_candidates(columns)
        return {SCORE: scores}

    def _explain(self, score_candidates: Function, columns: Columns) -> Tensors:
        scores, attention = score_candidates(columns)
        outputs = {SCORE: scores}
        for history in self._declaration.histories:
            outputs[attention_name(history.name)] = attention[history.name]
            for column, tokens in split_history(dict(columns), history).items():
                outputs[tokens_name(column)] = tokens.to_tensor("")
        return outputs

    def _score_candidates(self, bounds: ExportSettings, columns: Columns) -> tuple[tf.Tensor, Tensors]:
        """The scores [B, K], and by history the attention weights [B, K, T]."""
        columns = _checked(columns, bounds)
        # One tensor [columns, B, K]: its parts must agree in B and K.
        candidates = tf.stack([columns[name] for name in self._item_columns])
        user, malformed_users = self._encode_user(columns)
        items, malformed_items = self._encode_items(candidates)
        logits, attention = self._model.score(user, items, training=False, return_attention_scores=True)
        padding = tf.reduce_all(tf.equal(candidates, ""), axis=0) | malformed_items | malformed_users[..., tf.newaxis]
        scores = tf.where(padding, PADDING_SCORE, keras.ops.sigmoid(logits))
        return scores, {name: tf.where(padding[:, :, tf.newaxis], 0.0, weights) for name, weights in attention.items()}

    def _encode_user(self, columns: Columns) -> tuple[Tensors, tf.Tensor]:
        """The encoded users, and which of them are malformed: bool [B], or False."""
        user = {name: columns[name] for name in self._user_columns}
        features, malformed = self._without_malformed(pad(self._transform(user, self._user_features)))
        return self._model.encode_user(features, training=False), malformed

    def _encode_items(self, candidates: tf.Tensor) -> tuple[Tensors, tf.Tensor]:
        """The encoded candidates, and which of them are malformed: bool [B, K], or False."""
        shape = tf.shape(candidates)[1:]
        flat = dict(zip(self._item_columns, tf.unstack(tf.reshape(candidates, (len(self._item_columns), -1))), strict=True))
        features = {
            name: tf.reshape(value, tf.concat([shape, tf.shape(value)[1:]], axis=0))
            for name, value in pad(self._transform(flat, self._item_features)).items()
        }
        features, malformed = self._without_malformed(features)
        return self._model.encode_item(features, training=False), malformed

    def _without_malformed(self, features: Tensors) -> tuple[Tensors, tf.Tensor]:
        """The features with 0 for each weight or number that is NaN, and which rows held one.

        Not left to the model: an operation may pass on NaN, or drop it.

        Args:
            features: Padded features, [..., L] for a list.

        Returns:
            The features, and bool [...]; a scalar False where no feature is a weight or a number.
        """
        features = dict(features)
        malformed = tf.constant(False)
        for name in sorted((self._weights | self._numbers) & features.keys()):
            unknown = tf.math.is_nan(features[name])
            malformed |= unknown if name in self._numbers else tf.reduce_any(unknown, axis=-1)
            features[name] = tf.where(unknown, 0.0, features[name])
        return features, malformed

    def _parse(self, examples: tf.Tensor) -> Tensors:
        parsed: Tensors = tf.io.parse_example(examples, raw_feature_spec(self._declaration, serving=True))
        return parsed

    def _transform_row(self, columns: Columns) -> Tensors:
        return pad(self._transform(columns, [*self._user_features, *self._item_features]))


def _checked(columns: Columns, bounds: ExportSettings) -> Columns:
    """The columns [B] or [B, K], once it is sure that B is the same for all, and B and K are not beyond the bounds.

    Else a column of 1 would count for all others, and a few hundred bytes, which TensorFlow repeats to fill a shape, would
    ask for millions of scores.
    """
    shapes = [tf.shape(column, tf.int64) for column in columns.values()]
    sizes = tf.stack([shape[0] for shape in shapes])
    same = _assertion(
        tf.reduce_all(tf.equal(sizes, sizes[0])),
        f"All columns must have the same first axis. Received for {', '.join(columns)}: ",
        sizes,
    )
    widths = [shape[1] for column, shape in zip(columns.values(), shapes, strict=True) if column.shape.rank == 2]
    candidates = tf.reduce_max(tf.stack(widths)) if widths else tf.constant(1, tf.int64)
    rule = f"A user must have at most {bounds.max_candidates} candidates. Received: "
    few = _assertion(candidates <= bounds.max_candidates, rule, candidates)
    scores = tf.reduce_max(sizes) * candidates
    rule = f"A request must ask for at most {bounds.max_scores} scores. Received: "
    fits = _assertion(scores <= bounds.max_scores, rule, scores)
    # What depends on the columns runs after the checks: else it may be the first to fail, and less clearly.
    with tf.control_dependencies([same, few, fits]):
        return {name: tf.identity(column) for name, column in columns.items()}


def _assertion(condition: tf.Tensor, message: str, received: tf.Tensor) -> tf.Operation:
    data = [tf.constant(message), received]
    return tf.raw_ops.Assert(condition=condition, data=data, summarize=100)


def export(module: ServingModule, path: str, settings: ExportSettings | None = None) -> None:
    """Writes the module as a SavedModel, with its warm-up requests.

    Args:
        module: The module.
        path: The folder to write.
        settings: The settings. Default to their defaults.
    """
    settings = settings or ExportSettings()
    tf.saved_model.save(module.root, path, signatures=module.signatures(settings))
    write_warmup(path, warmup_records(module.declaration, module.vocabularies(), settings.warmup_candidates))


def _traced(function: Callable[..., Any], inputs: Any) -> Any:
    # Nothing here is written for AutoGraph, which leaves the code that it generates in /tmp.
    return tf.function(function, autograph=False).get_concrete_function(inputs)
