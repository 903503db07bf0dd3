"""A trained and exported model, its reference, and calls of it in a process that has TensorFlow alone."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from tests.support import TRANSFORMED, RawRow, analyze
from trainer.din import DIN
from trainer.export_settings import ExportSettings
from trainer.hyperparameters import Hyperparameters
from trainer.input_pipeline import read_dataset
from trainer.inputs import input_names
from trainer.run import build_model
from trainer.signatures import ServingModule, export
from trainer.training import compiled
from transform.declaration import Declaration

# The requests are [signature, inputs, wanted outputs or null for all]. Each is run in a session, as TensorFlow Serving runs
# it, and by the loader of TensorFlow 2, as the Evaluator does; the answer holds the outputs, or the error, and how often
# the session ran each type of operation.
CALL = """
import collections, json, sys
import numpy as np
import tensorflow as tf
assert "keras" not in sys.modules

def decoded(value):
    return [decoded(inner) for inner in value] if isinstance(value, list) else bytes.fromhex(value)

def encoded(value):
    if isinstance(value, list):
        return [encoded(inner) for inner in value]
    return value.decode() if isinstance(value, bytes) else value

path, requests = sys.argv[1], json.load(sys.stdin)
loaded = tf.saved_model.load(path)
graph = tf.Graph()
session = tf.compat.v1.Session(graph=graph)
with graph.as_default():
    meta_graph = tf.compat.v1.saved_model.load(session, ["serve"], path)
answers, known = [], {}
for name, inputs, wanted in requests:
    signature = meta_graph.signature_def[name]
    cells = {key: np.array(decoded(value), dtype=object) for key, value in inputs.items()}
    feeds = {signature.inputs[key].name: value for key, value in cells.items()}
    if (name, str(wanted)) not in known:
        # Requests that ask for the same run the same graph, which takes seconds to optimize.
        with graph.as_default():
            tensors = {key: graph.get_tensor_by_name(signature.outputs[key].name) for key in wanted or signature.outputs}
            known[name, str(wanted)] = {key: tf.identity(tensor) for key, tensor in tensors.items()}
    fetches = known[name, str(wanted)]
    ran = tf.compat.v1.RunMetadata()
    try:
        values = session.run(fetches, feeds, tf.compat.v1.RunOptions(trace_level=3), ran)
    except tf.errors.OpError as error:
        answers.append({"error": error.message})
        continue
    eager = loaded.signatures[name](**{key: tf.constant(value, tf.string) for key, value in cells.items()})
    for key, value in values.items():
        assert (np.allclose if value.dtype.kind == "f" else np.array_equal)(eager[key].numpy(), value), key
    labels = [node.timeline_label for device in ran.step_stats.dev_stats for node in device.node_stats]
    types = collections.Counter(label.split(" = ")[-1].split("(")[0] for label in labels)
    answers.append({"outputs": {key: encoded(value.tolist()) for key, value in values.items()}, "operations": types})
assert "keras" not in sys.modules
print(json.dumps(answers))
"""

Request = tuple[str, dict[str, Any], list[str] | None]


@dataclasses.dataclass(frozen=True)
class ExportedModel:
    """A trained model and its export.

    `scores` and `attention` are the reference, from the transformed rows on disk through the Keras model: [rows], and by
    history the weights of each position, [rows, `max_length`], 0 behind the last position.
    """

    path: Path
    model: DIN
    declaration: Declaration
    transform_output: tft.TFTransformOutput
    rows: list[RawRow]
    scores: np.ndarray
    attention: dict[str, np.ndarray]

    def call(self, *requests: Request) -> list[dict[str, Any]]:
        """The answers of a fresh process, as `CALL` explains them."""
        encoded = [(name, {key: _hex(cells) for key, cells in inputs.items()}, wanted) for name, inputs, wanted in requests]
        command = [sys.executable, "-c", CALL, str(self.path)]
        run = subprocess.run(command, input=json.dumps(encoded), capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stderr
        answers: list[dict[str, Any]] = json.loads(run.stdout.splitlines()[-1])
        return answers


def export_trained(
    declaration: Declaration, training: list[RawRow], rows: list[RawRow], folder: Path, config: ExportSettings | None = None
) -> ExportedModel:
    """Trains on `training`, exports into `folder`, and computes the reference of `rows`."""
    output, _ = analyze(training, training + rows, declaration, folder)
    dataset = read_dataset([str(folder / TRANSFORMED)], output.transformed_feature_spec(), declaration, batch_size=16)
    hyperparameters = Hyperparameters(epochs=3, batch_size=16)
    keras.utils.set_random_seed(hyperparameters.seed)
    model = compiled(build_model(output, declaration, hyperparameters), hyperparameters)
    model.fit(dataset, epochs=hyperparameters.epochs, verbose=0)
    model.settle()
    export(ServingModule(model, output, declaration), str(folder / "export"), config)

    batches = [features for features, *_ in dataset]
    logits = np.concatenate([model(features, training=False) for features in batches])[len(training) :]
    weights = [_attention(model, features) for features in batches]
    attention = {name: np.concatenate([batch[name] for batch in weights])[len(training) :] for name in weights[0]}
    scores = 1 / (1 + np.exp(-logits))
    return ExportedModel(folder / "export", model, declaration, output, rows, scores, attention)


def _attention(model: DIN, features: dict[str, tf.Tensor]) -> dict[str, np.ndarray]:
    one = {name: features[name][:, None] for name in input_names(model.declaration, "item")}
    user, items = model.encode_user(features), model.encode_item(one)
    _, found = model.score(user, items, training=False, return_attention_scores=True)
    padded = {}
    for history in model.declaration.histories:
        weights = np.array(found[history.name])[:, 0]
        padded[history.name] = np.pad(weights, ((0, 0), (0, history.max_length - weights.shape[1])))
    return padded


def _hex(cells: Any) -> Any:
    if isinstance(cells, list):
        return [_hex(inner) for inner in cells]
    return (cells if isinstance(cells, bytes) else cells.encode()).hex()
