"""What the exported folder holds besides the model: warm-up requests, and operations that any TensorFlow has."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

from tests.trainer.exported_model import ExportedModel
from trainer.export_settings import ExportSettings
from trainer.signatures import SCORE
from trainer.warmup import WARMUP_FILE, warmup_records
from transform.features import DECLARATION

LISTS_OPERATIONS = """
import sys
import tensorflow as tf
unknown = [name for name in sys.stdin.read().split() if not hasattr(tf.raw_ops, name)]
sys.exit(f"not of TensorFlow: {unknown}" if unknown else 0)
"""


def warmup_requests(path: Path) -> list[predict_pb2.PredictRequest]:
    records = tf.data.TFRecordDataset(str(path / WARMUP_FILE)).as_numpy_iterator()
    return [prediction_log_pb2.PredictionLog.FromString(record).predict_log.request for record in records]


@pytest.mark.slow
def test_the_warm_up_requests_run(exported: ExportedModel) -> None:
    requests = warmup_requests(exported.path)
    decoded = [
        (
            request.model_spec.signature_name,
            {name: tf.make_ndarray(tensor).tolist() for name, tensor in request.inputs.items()},
            [SCORE],
        )
        for request in requests
    ]
    answers = exported.call(*decoded)
    shapes = [(name, np.shape(answer["outputs"][SCORE])) for (name, _, _), answer in zip(decoded, answers, strict=True)]
    assert shapes == [("serving_default", (1,)), ("rank", (2, 2)), ("rank", (2, 5))]
    assert all(0 < score < 1 for score in np.ravel(answers[-1]["outputs"][SCORE]))


@pytest.mark.slow
def test_the_warm_up_requests_are_made_of_the_vocabularies(exported: ExportedModel) -> None:
    inputs = warmup_requests(exported.path)[-1].inputs
    history = tf.make_ndarray(inputs["hist_topic_id"])[0].split(b",")
    assert len(history) == 50
    assert set(history) <= set(exported.transform_output.vocabulary_by_name("topic"))
    assert len(set(tf.make_ndarray(inputs["topic_id"])[0])) == 5


@pytest.mark.slow
def test_the_operations_are_tensorflows_own(exported: ExportedModel) -> None:
    """So that a TensorFlow Serving without TFX's or Keras's libraries, and also an older one, loads the model."""
    saved_model = saved_model_pb2.SavedModel.FromString((exported.path / "saved_model.pb").read_bytes())
    (meta_graph,) = saved_model.meta_graphs
    graph = meta_graph.graph_def
    functions = {function.signature.name for function in graph.library.function}
    nodes = [*graph.node, *(node for function in graph.library.function for node in function.node_def)]
    names = {node.op for node in nodes} - functions
    assert {"LookupTableFindV2", "BatchMatMulV2", "StringSplitV2"} <= names
    subprocess.run([sys.executable, "-c", LISTS_OPERATIONS], input=" ".join(names), text=True, check=True)


def test_tokens_that_a_list_cannot_hold_are_left_out() -> None:
    vocabularies = {name: [b"a,b", b"c:d", b"e"] for name in DECLARATION.vocabularies} | {"keyword": []}
    inputs = list(warmup_records(DECLARATION, vocabularies, [1]))[-1].predict_log.request.inputs
    assert tf.make_ndarray(inputs["all_topic_fav_7"]).tolist() == [b",".join([b"e:1"] * 50)] * 2
    assert tf.make_ndarray(inputs["keyword_id"]).tolist() == [[b"0"]] * 2


def test_warmup_requests_fit_the_bounds_of_a_request() -> None:
    with pytest.raises(ValueError, match=r"within `max_scores` \(999\). Received: \(100, 500\)."):
        ExportSettings(max_scores=999)
