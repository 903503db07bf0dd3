"""SavedModels for the tests: y = slope * x + 2, as Predict, Classify and Regress signatures of TensorFlow 2 and 1."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

CLASSIFY, REGRESS = "tensorflow/serving/classify", "tensorflow/serving/regress"


class HalfPlusTwo(tf.Module):
    """y = slope * x + 2; `names` looks words up in a vocabulary file, as exported transformations do."""

    def __init__(self, slope: float, vocabulary: Path) -> None:
        self.slope = tf.Variable(slope)
        initializer = tf.lookup.TextFileInitializer(
            str(vocabulary), tf.string, tf.lookup.TextFileIndex.WHOLE_LINE, tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER
        )
        self.table = tf.lookup.StaticHashTable(initializer, -1)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32)])
    def predict(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": self.slope * x + 2.0}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), tf.TensorSpec([None, None], tf.string)])
    def names(self, x: tf.Tensor, words: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"ids": self.table.lookup(words), "words_bytes": words, "words": words, "y": self.slope * x}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def parsed(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"length": tf.strings.length(x), "number": tf.strings.to_number(x)}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32), *[tf.TensorSpec([], tf.string)] * 2])
    def waiting(self, x: tf.Tensor, begun: tf.Tensor, until: tf.Tensor) -> dict[str, tf.Tensor]:
        """x, once there is a file `until`; that it waits, it tells by a file `begun`."""
        with tf.control_dependencies([tf.io.write_file(begun, "")]):
            x = tf.identity(x)
        return {"y": tf.while_loop(lambda x: tf.size(tf.io.matching_files(until)) == 0, lambda x: [x], [x])[0]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def examples(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.io.parse_example(inputs, {"x": tf.io.FixedLenFeature([1], tf.float32)})["x"]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def classify(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = self.slope * self.examples(inputs) + 2.0
        return {"scores": scores, "classes": tf.fill(tf.shape(scores), "y")}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def regress(self, inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"outputs": self.slope * self.examples(inputs) + 2.0}


def export(path: Path, slope: float = 0.5) -> Path:
    """Writes a version folder, complete before it gets its name, and returns it."""
    scratch = path.with_name(f"writing-{path.name}")
    vocabulary = path.with_name(f"words-{path.name}.txt")
    vocabulary.parent.mkdir(parents=True, exist_ok=True)
    vocabulary.write_text("red\ngreen\nblue\n")
    module = HalfPlusTwo(slope, vocabulary)
    signatures = {
        "serving_default": module.predict,
        "names": module.names,
        "parsed": module.parsed,
        "waiting": module.waiting,
        "classify_x_to_y": module.classify,
        "regress_x_to_y": module.regress,
    }
    tf.saved_model.save(module, str(scratch), signatures)
    scratch.rename(path)
    return path


def export_tf1(path: Path) -> Path:
    """Writes a version folder as TensorFlow 1 did: x is [batch, 1], and the signatures share one graph."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        slope = tf.compat.v1.get_variable("slope", initializer=0.5)
        serialized = tf.compat.v1.placeholder(tf.string, name="tf_example")
        parsed = tf.io.parse_example(serialized, {"x": tf.io.FixedLenFeature([1], tf.float32)})
        x = tf.identity(parsed["x"], name="x")
        y = tf.add(slope * x, 2.0, name="y")
        session.run(tf.compat.v1.global_variables_initializer())
        info, build = tf.compat.v1.saved_model.build_tensor_info, tf.compat.v1.saved_model.build_signature_def
        signatures = {
            "serving_default": build({"x": info(x)}, {"y": info(y)}, "tensorflow/serving/predict"),
            "regress_x_to_y": build({"inputs": info(serialized)}, {"outputs": info(y)}, REGRESS),
            "classify_x_to_y": build({"inputs": info(serialized)}, {"scores": info(y)}, CLASSIFY),
        }
        builder = tf.compat.v1.saved_model.Builder(str(path))
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()
    return path


def copy_version(source: Path, target: Path) -> Path:
    """Publishes a copy of a version folder by rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = target.with_name(f"copying-{target.name}")
    shutil.copytree(source, scratch)
    scratch.rename(target)
    return target


def predict_request(
    values: Sequence[float], name: str = "default", signature_name: str = "", **inputs: Any
) -> predict_pb2.PredictRequest:
    """A PredictRequest for x."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    request.model_spec.signature_name = signature_name
    request.inputs["x"].CopyFrom(tf.make_tensor_proto(list(values), tf.float32))
    for alias, value in inputs.items():
        request.inputs[alias].CopyFrom(tf.make_tensor_proto(value))
    return request


def add_warmup(version: Path, *requests: predict_pb2.PredictRequest) -> None:
    """Writes warm-up records into a version folder."""
    folder = version / "assets.extra"
    folder.mkdir()
    with tf.io.TFRecordWriter(str(folder / "tf_serving_warmup_requests")) as writer:
        for request in requests:
            log = prediction_log_pb2.PredictionLog(predict_log=prediction_log_pb2.PredictLog(request=request))
            writer.write(log.SerializeToString())
