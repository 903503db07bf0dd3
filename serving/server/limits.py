"""What the server lets callers ask for: the shape of a request, and how many requests are under way."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from typing import Any, TypeVar

import grpc

from serving.server.errors import ServingError, invalid_argument
from serving.server.runner import Runner
from serving.server.saved_model import SavedModel
from serving.server.tensors import Array

T = TypeVar("T")


class BoundedRunner:
    """A Runner that refuses string inputs of too many values: a model works on each, however short it is.

    Args:
        runner: runs what is not refused.
        max_candidates: largest second dimension of a string input; 0: no bound.
        max_scores: most values of a string input; 0: no bound.
    """

    def __init__(self, runner: Runner, max_candidates: int, max_scores: int) -> None:
        self._runner = runner
        self._max_candidates = max_candidates
        self._max_scores = max_scores

    def run(self, model: SavedModel, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        for array in inputs.values():
            if array.dtype != object:
                continue
            if self._max_candidates and array.ndim > 1 and array.shape[1] > self._max_candidates:
                raise invalid_argument(
                    f"A user must have at most {self._max_candidates} candidates. Received: {array.shape[1]}."
                )
            if self._max_scores and array.size > self._max_scores:
                raise invalid_argument(
                    f"A request must ask for at most {self._max_scores} scores. Received: {array.size} values."
                )
        return self._runner.run(model, inputs, outputs)


class Gate:
    """Lets so many requests be under way at once, queued ones included, and refuses the others.

    Args:
        limit: of requests.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._under_way = 0
        self._lock = threading.Lock()

    def submit(self, executor: Executor, call: Callable[..., T], *arguments: Any) -> asyncio.Future[T]:
        """Runs a call in a thread. Its place is free again once the thread is done, even if nobody waits any more.

        Raises:
            ServingError: RESOURCE_EXHAUSTED, all places are taken.
        """
        with self._lock:
            if self._under_way >= self._limit:
                raise ServingError(
                    grpc.StatusCode.RESOURCE_EXHAUSTED, f"The server has {self._limit} requests under way, its limit"
                )
            self._under_way += 1
        try:
            future = executor.submit(call, *arguments)
        except BaseException:
            self._leave()
            raise
        future.add_done_callback(lambda _: self._leave())
        return asyncio.wrap_future(future)

    def _leave(self) -> None:
        with self._lock:
            self._under_way -= 1
