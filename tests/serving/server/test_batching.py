"""Requests that arrive together run as one batch."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf import config_pb2

from serving.server.batching import BatchingOptions, BatchingRunner
from serving.server.errors import ServingError
from serving.server.protos import BatchingParameters
from serving.server.saved_model import SavedModel
from serving.server.tensors import Array


class Counting(SavedModel):
    """A SavedModel that notes the first dimension of each run."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), ["serve"], config_pb2.ConfigProto())
        self.rows: list[int] = []

    def run(self, inputs: Any, outputs: Any) -> dict[str, Array]:
        self.rows.append(len(next(iter(inputs.values()))))
        return super().run(inputs, outputs)


@pytest.fixture
def model(half_plus_two: Path) -> Counting:
    return Counting(half_plus_two)


def predict(runner: BatchingRunner, model: Counting, values: list[float]) -> list[float]:
    signature = model.signatures["serving_default"]
    output = signature.outputs["y"].name
    answer = runner.run(model, {signature.inputs["x"].name: np.array(values, np.float32)}, [output])
    return list(answer[output].tolist())


def names(runner: BatchingRunner, model: Counting, words: list[list[bytes]]) -> list[list[int]]:
    signature = model.signatures["names"]
    inputs: dict[str, Array] = {
        signature.inputs["x"].name: np.zeros(len(words), np.float32),
        signature.inputs["words"].name: np.array(words, object),
    }
    output = signature.outputs["ids"].name
    return list(runner.run(model, inputs, [output])[output].tolist())


def test_requests_within_the_timeout_share_a_run(model: Counting) -> None:
    runner = BatchingRunner(BatchingOptions(max_batch_size=6, timeout_seconds=30.0, max_enqueued_batches=10, threads=1))
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(lambda values: predict(runner, model, values), [[2.0], [4.0, 6.0], [8.0, 10.0, 12.0]]))
    assert answers == [[3.0], [4.0, 5.0], [6.0, 7.0, 8.0]]
    assert model.rows == [6]


def test_a_request_alone_runs_when_the_timeout_is_over(model: Counting) -> None:
    runner = BatchingRunner(BatchingOptions(max_batch_size=6, timeout_seconds=0.05, max_enqueued_batches=10, threads=1))
    assert predict(runner, model, [2.0]) == [3.0]
    assert model.rows == [1]


def test_rows_are_added_to_reach_an_allowed_size(model: Counting) -> None:
    options = BatchingOptions(
        max_batch_size=8, timeout_seconds=0.0, max_enqueued_batches=10, threads=1, allowed_sizes=(4, 8)
    )
    assert predict(BatchingRunner(options), model, [2.0, 4.0]) == [3.0, 4.0]
    assert model.rows == [4]


@pytest.mark.parametrize("pad", [True, False])
def test_different_lengths_share_a_batch_only_with_padding(model: Counting, pad: bool) -> None:
    options = BatchingOptions(max_batch_size=2, timeout_seconds=30.0, max_enqueued_batches=10, threads=1, pad=pad)
    runner = BatchingRunner(options)
    with ThreadPoolExecutor(2) as threads:
        short = threads.submit(names, runner, model, [[b"green"]])
        long = threads.submit(names, runner, model, [[b"red", b"blue", b"no"]])
        if pad:
            # As in TensorFlow Serving, a request is padded with its own first value, and its answer keeps the padding.
            assert short.result() == [[1, 1, 1]]
            assert long.result() == [[0, 2, -1]]
        else:
            for answer in (short, long):
                with pytest.raises(ServingError, match="padding is turned off"):
                    answer.result()


def test_an_error_reaches_each_request_of_its_batch_and_no_other(model: Counting) -> None:
    runner = BatchingRunner(BatchingOptions(max_batch_size=2, timeout_seconds=0.0, max_enqueued_batches=10, threads=2))
    signature = model.signatures["serving_default"]
    with pytest.raises(ServingError, match="Type mismatch: actual string vs. expect float"):
        runner.run(model, {signature.inputs["x"].name: np.array([b"x"], object)}, [signature.outputs["y"].name])
    assert predict(runner, model, [2.0]) == [3.0]


def test_requests_that_fit_no_batch_are_refused(model: Counting) -> None:
    runner = BatchingRunner(BatchingOptions(max_batch_size=2, timeout_seconds=0.0, max_enqueued_batches=1, threads=1))
    with pytest.raises(ServingError, match="Task size 3 is larger than maximum input batch size 2"):
        predict(runner, model, [1.0, 2.0, 3.0])
    with pytest.raises(ServingError, match="at least one dimension"):
        runner.run(model, {"x:0": np.array(1.0)}, ["y:0"])
    with pytest.raises(ServingError, match="equal 0th-dimension size"):
        runner.run(model, {"a:0": np.zeros(1), "b:0": np.zeros(2)}, ["y:0"])


def parsed(text: str) -> BatchingOptions:
    return BatchingOptions.from_parameters(text_format.Parse(text, BatchingParameters()), cpus=3)


def test_parameters_have_tensorflow_servings_defaults() -> None:
    assert parsed("") == BatchingOptions(max_batch_size=1000, timeout_seconds=0.0, max_enqueued_batches=10, threads=3)
    assert parsed("max_batch_size { value: 8 } batch_timeout_micros { value: 500 } pad_variable_length_inputs: true") == (
        BatchingOptions(max_batch_size=8, timeout_seconds=0.0005, max_enqueued_batches=10, threads=3, pad=True)
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_batch_size { value: 0 }", "`max_batch_size` must be at least 1. Received: 0."),
        ("max_batch_size { value: 8 } allowed_batch_sizes: 4", "must increase and end with `max_batch_size`"),
        ("enable_large_batch_splitting { value: true }", "not supported"),
    ],
)
def test_parameters_out_of_range_are_refused(text: str, message: str) -> None:
    with pytest.raises(ServingError, match=message):
        parsed(text)
