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

`explain` adds how strongly each candidate attends to each position of each history, and for each column of a history the
tokens of these positions: the newest `max_length`, oldest first, padded at the end with the empty string. T is the longest
history of the batch.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf
import tensorflow_transform as tft

from trainer.din import DIN
from trainer.export_settings import ExportSettings
from trainer.input_pipeline import pad
from trainer.inputs import input_names
from trainer.transform_graph import TransformGraph
from trainer.warmup import warmup_records, write_warmup
from transform.features import Declaration
from transform.parsing import split_history
from transform.schema import raw_feature_spec

SCORE = "score"
PADDING_SCORE = -1.0

Tensors = dict[str, tf.Tensor]
Columns = Mapping[str, tf.Tensor]


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
        return {name: self._transform_output.vocabulary_by_name(name) for name in self._declaration.vocabularies}

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The concrete functions to export, by signature name."""

        def strings(name: str, *shape: None) -> tf.TensorSpec:
            return tf.TensorSpec(shape, tf.string, name=name)

        row = {name: strings(name, None) for name in self._declaration.serving_columns}
        ranking = row | {name: strings(name, None, None) for name in self._item_columns}
        examples = strings("examples", None)
        return {
            "serving_default": tf.function(self._score_columns).get_concrete_function(row),
            "rank": tf.function(self._rank).get_concrete_function(ranking),
            "explain": tf.function(self._explain).get_concrete_function(ranking),
            "serve_examples": tf.function(self._score_examples).get_concrete_function(examples),
            "transform_features": tf.function(self._transform_examples).get_concrete_function(examples),
        }

    def _score_columns(self, columns: Columns) -> Tensors:
        columns = _checked(columns)
        logits = self._model(self._transform_row(columns), training=False)
        return {SCORE: keras.ops.sigmoid(logits)}

    def _score_examples(self, examples: tf.Tensor) -> Tensors:
        return self._score_columns(self._parse(examples))

    def _transform_examples(self, examples: tf.Tensor) -> Tensors:
        return self._transform_row(self._parse(examples))

    def _rank(self, columns: Columns) -> Tensors:
        scores, _ = self._score_candidates(columns)
        return {SCORE: scores}

    def _explain(self, columns: Columns) -> Tensors:
        scores, attention = self._score_candidates(columns)
        outputs = {SCORE: scores}
        for history in self._declaration.histories:
            outputs[attention_name(history.name)] = attention[history.name]
            for column, tokens in split_history(dict(columns), history).items():
                outputs[tokens_name(column)] = tokens.to_tensor("")
        return outputs

    def _score_candidates(self, columns: Columns) -> tuple[tf.Tensor, Tensors]:
        """The scores [B, K], and by history the attention weights [B, K, T]."""
        columns = _checked(columns)
        # One tensor [columns, B, K]: its parts must agree in B and K.
        candidates = tf.stack([columns[name] for name in self._item_columns])
        logits, attention = self._model.score(
            self._encode_user(columns), self._encode_items(candidates), training=False, return_attention_scores=True
        )
        padding = tf.reduce_all(tf.equal(candidates, ""), axis=0)
        scores = tf.where(padding, PADDING_SCORE, keras.ops.sigmoid(logits))
        return scores, {name: tf.where(padding[:, :, tf.newaxis], 0.0, weights) for name, weights in attention.items()}

    def _encode_user(self, columns: Columns) -> Tensors:
        user = {name: columns[name] for name in self._user_columns}
        features = pad(self._transform(user, self._user_features))
        return self._model.encode_user(features, training=False)

    def _encode_items(self, candidates: tf.Tensor) -> Tensors:
        shape = tf.shape(candidates)[1:]
        flat = dict(zip(self._item_columns, tf.unstack(tf.reshape(candidates, (len(self._item_columns), -1))), strict=True))
        features = {
            name: tf.reshape(value, tf.concat([shape, tf.shape(value)[1:]], axis=0))
            for name, value in pad(self._transform(flat, self._item_features)).items()
        }
        return self._model.encode_item(features, training=False)

    def _parse(self, examples: tf.Tensor) -> Tensors:
        parsed: Tensors = tf.io.parse_example(examples, raw_feature_spec(self._declaration, serving=True))
        return parsed

    def _transform_row(self, columns: Columns) -> Tensors:
        return pad(self._transform(columns, [*self._user_features, *self._item_features]))


def _checked(columns: Columns) -> Columns:
    """The columns, once it is sure that they have the same first axis: one of 1 would count for all others otherwise."""
    sizes = tf.stack([tf.shape(column)[0] for column in columns.values()])
    message = f"All columns must have the same first axis. Received for {', '.join(columns)}: "
    check = tf.raw_ops.Assert(
        condition=tf.reduce_all(tf.equal(sizes, sizes[0])), data=[tf.constant(message), sizes], summarize=len(columns)
    )
    # What depends on the columns runs after the check: else it may be the first to fail, and less clearly.
    with tf.control_dependencies([check]):
        return {name: tf.identity(column) for name, column in columns.items()}


def export(module: ServingModule, path: str, settings: ExportSettings | None = None) -> None:
    """Writes the module as a SavedModel, with its warm-up requests.

    Args:
        module: The module.
        path: The folder to write.
        settings: The settings. Default to their defaults.
    """
    tf.saved_model.save(module.root, path, signatures=module.signatures())
    candidates = (settings or ExportSettings()).warmup_candidates
    write_warmup(path, warmup_records(module.declaration, module.vocabularies(), candidates))
