"""Holds what a server answers to the scores that the model was judged by."""

from __future__ import annotations

import dataclasses
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from components.served_model import ServedModel
from components.serving_validator.contents import RefusedError
from components.serving_validator.requests import ROWS, RawRows, Request
from trainer.export_settings import ExportSettings
from trainer.signatures import SCORE

TOLERANCE = 1e-5
_CALL_SECONDS = 60.0
# What is timed: a user's ranking, so often.
_TIMED_CANDIDATES = 100
_TIMED_CALLS = 11
_THREADS = 4

Outputs = dict[str, NDArray[Any]]


@dataclasses.dataclass(frozen=True)
class Answered:
    """What a server has answered.

    Args:
        calls: How many requests.
        worst: The largest difference of a score, or another number, to the model as the evaluator calls it.
        milliseconds: What it takes to rank a user's candidates, in the median.
    """

    calls: int
    worst: float
    milliseconds: float


class Server:
    """A model server's Predict.

    Args:
        channel: To its gRPC port.
        name: The model's name.
    """

    def __init__(self, channel: grpc.Channel, name: str) -> None:
        self._predict = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict
        self._name = name

    def call(self, signature: str, inputs: Any) -> Outputs:
        """The outputs of a signature by name. Raises RefusedError if there are none."""
        request = predict_pb2.PredictRequest()
        request.model_spec.signature_name = signature
        for name, values in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(values, tf.string))
        return self.send(request)

    def send(self, request: Any) -> Outputs:
        """The same of a whole request."""
        request.model_spec.name = self._name
        signature = request.model_spec.signature_name
        try:
            response = self._predict(request, timeout=_CALL_SECONDS)
        except grpc.RpcError as error:
            raise RefusedError(f"the server refuses {signature}: {error.code().name}: {error.details()}") from error
        return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}


class Expected:
    """The model as the evaluator calls it, and what it answers to requests.

    Args:
        folder: The SavedModel's folder.
        rows: Raw rows.
        settings: The settings that it was exported with.
    """

    def __init__(self, folder: str, rows: RawRows, settings: ExportSettings) -> None:
        model = ServedModel(folder, ROWS[0])
        scores: dict[tuple[bytes, bytes], NDArray[np.float32]] = {}
        self.answers: list[tuple[Request, Outputs]] = []
        for request in rows.requests(min(settings.max_scores, settings.max_candidates)):
            wanted = {} if request.signature in ROWS else model.call(request.signature, request.inputs)
            if request.pairs is not None:
                # However it is asked, a row has the score that it was judged by.
                users, items = request.pairs
                key = users.tobytes(), items.tobytes()
                if key not in scores:
                    scores[key] = model.scores(tf.constant(rows.examples_of(users.ravel(), items.ravel())))
                wanted[SCORE] = scores[key].reshape(users.shape)
            self.answers.append((request, wanted))


def check_answers(server: Server, expected: Expected) -> tuple[int, float]:
    """Asks for all rows by every signature.

    Returns:
        How many requests were answered, and the largest difference.

    Raises:
        RefusedError: An answer is missing, not finite, or another than the model's.
    """

    def ask(one: tuple[Request, Outputs]) -> float:
        request, wanted = one
        return _compared(request, wanted, server.call(request.signature, request.inputs))

    # The first call of a signature takes a second or two, most of it in one thread of the server.
    with ThreadPoolExecutor(_THREADS) as threads:
        return len(expected.answers), max(threads.map(ask, expected.answers), default=0.0)


def timed(server: Server, rows: RawRows, settings: ExportSettings) -> float:
    """The milliseconds that a ranking of one user's candidates takes, in the median."""
    width = min(_TIMED_CANDIDATES, settings.max_candidates, settings.max_scores)
    request = rows.ranking("rank", np.arange(1), width)
    server.call(request.signature, request.inputs)
    taken = []
    for _ in range(_TIMED_CALLS):
        start = time.perf_counter()
        server.call(request.signature, request.inputs)
        taken.append(1e3 * (time.perf_counter() - start))
    return statistics.median(taken)


def _compared(request: Request, wanted: Outputs, answer: Outputs) -> float:
    worst = 0.0
    for name, value in wanted.items():
        found = answer.get(name)
        which = f"{request.signature} answers {name}"
        if found is None:
            raise RefusedError(f"{request.signature} answers no {name}")
        if found.shape != value.shape:
            raise RefusedError(f"{which} of shape {list(found.shape)}, not {list(value.shape)}")
        if found.dtype.kind != "f":
            if not np.array_equal(found, value):
                raise RefusedError(f"{which} other than the model judged")
            continue
        if request.pairs is not None and not np.isfinite(found).all():
            raise RefusedError(f"{which} that is not finite for {int(np.sum(~np.isfinite(found)))} of {found.size} rows")
        difference = np.where(np.isnan(found) & np.isnan(value), 0.0, np.abs(found - value))
        worst = max(worst, float(difference.max(initial=0.0)))
        if not worst <= TOLERANCE:
            place = np.unravel_index(int(np.argmax(difference)), difference.shape)
            raise RefusedError(
                f"{which} other than the model judged: {found[place]:.6g} instead of {value[place]:.6g}, and "
                f"{int(np.sum(difference > TOLERANCE))} of {found.size} differ by more than {TOLERANCE:g}"
            )
    return worst
