"""The client's own messages against tensorflow-serving-api's."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from serving.client.messages import DT_FLOAT, DT_STRING, PredictRequest, PredictResponse

IMPORTS = """
import sys
import serving.client, serving.client.grpc_transport, serving.client.rest_transport, serving.rank.command
print(sorted({name.split(".")[0] for name in sys.modules} & {"tensorflow", "tensorflow_serving", "tfx", "keras"}))
"""


def test_the_client_and_its_command_import_no_tensorflow() -> None:
    run = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_fields_are_tensorflow_servings() -> None:
    from tensorflow_serving.apis import predict_pb2

    pairs = [
        (PredictRequest.DESCRIPTOR, predict_pb2.PredictRequest.DESCRIPTOR),
        (PredictResponse.DESCRIPTOR, predict_pb2.PredictResponse.DESCRIPTOR),
    ]
    seen = set()
    while pairs:
        ours, theirs = pairs.pop()
        seen.add(ours.name)
        for field in ours.fields:
            other = theirs.fields_by_name[field.name]
            # The wire has one form for enums and int32.
            kind = field.TYPE_INT32 if other.type == field.TYPE_ENUM else other.type
            assert (field.number, field.type, field.is_repeated) == (other.number, kind, other.is_repeated), field.full_name
            if field.message_type:
                pairs.append((field.message_type, other.message_type))
    assert {"PredictRequest", "PredictResponse", "TensorProto", "TensorShapeProto", "ModelSpec"} <= seen


def test_the_data_types_are_tensorflows() -> None:
    from tensorflow.core.framework import types_pb2

    assert (DT_FLOAT, DT_STRING) == (types_pb2.DT_FLOAT, types_pb2.DT_STRING)


@pytest.mark.parametrize("content", [True, False])
def test_tensorflow_reads_what_the_client_writes_and_the_other_way_round(content: bool) -> None:
    import tensorflow as tf
    from tensorflow_serving.apis import predict_pb2

    from serving.client.grpc_transport import _array, _encode

    request = PredictRequest()
    request.model_spec.version.value = 7
    _encode(np.array([["a", "话"], ["", "d"]], dtype=object), request.inputs["topic_id"])
    read = predict_pb2.PredictRequest.FromString(request.SerializeToString())
    assert read.model_spec.version.value == 7
    assert tf.make_ndarray(read.inputs["topic_id"]).tolist() == [[b"a", "话".encode()], [b"", b"d"]]

    scores = np.array([[0.25, -1.0]], np.float32)
    answer = predict_pb2.PredictResponse()
    proto = tf.make_tensor_proto(scores)
    if not content:
        proto.float_val.extend(scores.ravel())
        proto.ClearField("tensor_content")
    answer.outputs["score"].CopyFrom(proto)
    written = PredictResponse.FromString(answer.SerializeToString())
    assert np.array_equal(_array(written.outputs["score"], "score"), scores)
