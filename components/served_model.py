"""An exported model in this process, called as the evaluator calls it: the measure of what a server answers."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from trainer.exported_settings import largest_request

# The most rows of a call.
CALL = 1024
_SCORE = "score"
_EXAMPLES = "examples"


class ServedModel:
    """An exported model, called as a server would call it.

    Args:
        path: The SavedModel's folder.
        signature: The signature that scores serialized examples.
    """

    def __init__(self, path: str, signature: str) -> None:
        self._loaded = tf.saved_model.load(path)
        self._signature = signature
        self._most = min(CALL, largest_request(path))

    def scores(self, records: tf.Tensor) -> np.ndarray:
        """The score of each example, float32 [rows]."""
        calls = _calls(records, self._most)
        return np.concatenate([self.call(self._signature, {_EXAMPLES: part})[_SCORE] for part in calls])

    def features(self, records: tf.Tensor) -> list[dict[str, np.ndarray]]:
        """The transformed features of the examples, padded within parts of at most `CALL` rows."""
        return [self.call("transform_features", {_EXAMPLES: part}) for part in _calls(records, CALL)]

    def call(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """The outputs of a signature by name."""
        tensors = {name: tf.convert_to_tensor(value, tf.string) for name, value in inputs.items()}
        return {name: value.numpy() for name, value in self._loaded.signatures[signature](**tensors).items()}


@functools.lru_cache(maxsize=2)
def served_model(path: str, signature: str) -> ServedModel:
    """A `ServedModel` of this process: loading one takes seconds, and a runner may set its steps up anew for each file."""
    return ServedModel(path, signature)


def _calls(records: tf.Tensor, most: int) -> list[tf.Tensor]:
    return [records[start : start + most] for start in range(0, len(records), most)]
