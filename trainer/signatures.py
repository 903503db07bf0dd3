"""The exported model: one module that owns the trained DIN and Transform's graph, and the signatures of both.

| signature | input | output |
|---|---|---|
| serving_default | the CSV's columns by name, strings [B], without the label and the group | score, float32 [B] |
| serve_examples | examples: serialized tf.Examples, strings [B] | score, float32 [B] |
| transform_features | examples, as above | the transformed features, lists padded with 0 |
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import tensorflow as tf
import tensorflow_transform as tft

from trainer.din import DIN
from trainer.input_pipeline import pad
from transform.features import Declaration
from transform.schema import raw_feature_spec

SCORE = "score"


class ServingModule(tf.Module):
    """What TensorFlow Serving loads.

    Args:
        model: The trained model.
        transform_output: Transform's output, whose vocabularies and graph the module takes along.
        declaration: The declared features.
    """

    def __init__(self, model: DIN, transform_output: tft.TFTransformOutput, declaration: Declaration) -> None:
        super().__init__()
        self.model = model
        self.transform_layer = transform_output.transform_features_layer()
        self._declaration = declaration

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The concrete functions to export, by signature name."""
        columns = {name: tf.TensorSpec([None], tf.string, name=name) for name in self._declaration.serving_columns}
        examples = tf.TensorSpec([None], tf.string, name="examples")
        return {
            "serving_default": tf.function(self._score_columns).get_concrete_function(columns),
            "serve_examples": tf.function(self._score_examples).get_concrete_function(examples),
            "transform_features": tf.function(self._transform_examples).get_concrete_function(examples),
        }

    def _score_columns(self, columns: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        logits = self.model(self._transform(columns), training=False)
        return {SCORE: keras.ops.sigmoid(logits)}

    def _score_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._score_columns(self._parse(examples))

    def _transform_examples(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return self._transform(self._parse(examples))

    def _parse(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        parsed: dict[str, tf.Tensor] = tf.io.parse_example(examples, raw_feature_spec(self._declaration, serving=True))
        return parsed

    def _transform(self, columns: Mapping[str, tf.Tensor]) -> dict[str, tf.Tensor]:
        return pad(self.transform_layer(dict(columns)))


def export(module: ServingModule, path: str) -> None:
    """Writes the module as a SavedModel."""
    tf.saved_model.save(module, path, signatures=module.signatures())
