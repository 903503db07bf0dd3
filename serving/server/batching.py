"""Runs requests that arrive together as one batch: --enable_batching."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import grpc

from serving.server import batch_tensors as batches
from serving.server.errors import ServingError, invalid_argument
from serving.server.saved_model import SavedModel
from serving.server.tensors import Array


@dataclass(frozen=True)
class BatchingOptions:
    """The BatchingParameters that have an effect.

    Args:
        max_batch_size: rows of a batch, and of a request.
        timeout_seconds: the longest that a request waits for others.
        max_enqueued_batches: the longest queue, in batches; requests beyond are refused.
        threads: batches that may run at once.
        allowed_sizes: rows are added to reach the next of these; any size if empty.
        pad: requests whose further dimensions differ share a batch.
    """

    max_batch_size: int
    timeout_seconds: float
    max_enqueued_batches: int
    threads: int
    allowed_sizes: tuple[int, ...] = ()
    pad: bool = False

    @classmethod
    def from_parameters(cls, parameters: Any, cpus: int) -> BatchingOptions:
        """Reads BatchingParameters; unset ones get TensorFlow Serving's defaults.

        Raises:
            ServingError: a value is out of range, or asks for splitting, which is not supported.
        """

        def value(name: str, default: int, least: int) -> int:
            number: int = getattr(parameters, name).value if parameters.HasField(name) else default
            if number < least:
                raise invalid_argument(f"`{name}` must be at least {least}. Received: {number}.")
            return number

        if parameters.enable_large_batch_splitting.value or parameters.HasField("max_execution_batch_size"):
            raise invalid_argument("Splitting of large batches is not supported by the embedded server.")
        most = value("max_batch_size", 1000, 1)
        allowed = tuple(parameters.allowed_batch_sizes)
        if allowed and (list(allowed) != sorted(set(allowed)) or allowed[-1] != most):
            raise invalid_argument(
                f"`allowed_batch_sizes` must increase and end with `max_batch_size`. Received: {list(allowed)}, {most}."
            )
        return cls(
            max_batch_size=most,
            timeout_seconds=value("batch_timeout_micros", 0, 0) / 1e6,
            max_enqueued_batches=value("max_enqueued_batches", 10, 1),
            threads=value("num_batch_threads", cpus, 1),
            allowed_sizes=allowed,
            pad=parameters.pad_variable_length_inputs,
        )


@dataclass
class _Task:
    inputs: Mapping[str, Array]
    size: int
    result: Future[dict[str, Array]] = field(default_factory=Future)
    enqueued: float = field(default_factory=time.monotonic)


# What can be one batch: the same model, inputs and outputs.
_Key = tuple[SavedModel, tuple[str, ...], tuple[str, ...]]


class BatchingRunner:
    """A Runner that queues requests until a batch is full or the first of them has waited long enough.

    Args:
        options: sizes, times and threads.
    """

    def __init__(self, options: BatchingOptions) -> None:
        self._options = options
        self._queues: dict[_Key, deque[_Task]] = {}
        self._changed = threading.Condition()
        for index in range(options.threads):
            threading.Thread(target=self._work, name=f"batch-{index}", daemon=True).start()

    def run(self, model: SavedModel, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Waits for the batch that the request becomes part of.

        Raises:
            ServingError: the request cannot be part of a batch, is larger than one, or the queue is full.
        """
        task = _Task(inputs, batches.size(inputs))
        if task.size > self._options.max_batch_size:
            raise invalid_argument(
                f"Task size {task.size} is larger than maximum input batch size {self._options.max_batch_size}"
            )
        key = (model, tuple(sorted(inputs)), tuple(sorted(set(outputs))))
        with self._changed:
            queue = self._queues.setdefault(key, deque())
            waiting = sum(queued.size for queued in queue)
            if waiting + task.size > self._options.max_enqueued_batches * self._options.max_batch_size:
                raise ServingError(
                    grpc.StatusCode.UNAVAILABLE, "The batch scheduling queue to which this task was submitted is full"
                )
            queue.append(task)
            self._changed.notify()
        return task.result.result()

    def _work(self) -> None:
        while True:
            key, tasks = self._take()
            try:
                results = self._run(key, tasks)
            except Exception as error:  # whatever it is, each request of the batch must hear of it
                for task in tasks:
                    task.result.set_exception(error)
            else:
                for task, result in zip(tasks, results, strict=True):
                    task.result.set_result(result)
            del key, tasks  # the model may be retired while this thread waits

    def _take(self) -> tuple[_Key, list[_Task]]:
        """Waits for a batch that is due."""
        with self._changed:
            while True:
                now = time.monotonic()
                soonest: float | None = None
                for key, queue in self._queues.items():
                    due = queue[0].enqueued + self._options.timeout_seconds
                    if due <= now or sum(task.size for task in queue) >= self._options.max_batch_size:
                        return key, self._pop(key, queue)
                    soonest = due if soonest is None else min(due, soonest)
                self._changed.wait(None if soonest is None else soonest - now)

    def _pop(self, key: _Key, queue: deque[_Task]) -> list[_Task]:
        tasks = [queue.popleft()]
        rows = tasks[0].size
        while queue and rows + queue[0].size <= self._options.max_batch_size:
            tasks.append(queue.popleft())
            rows += tasks[-1].size
        del self._queues[key]
        if queue:
            self._queues[key] = queue  # at the end, so that each key gets its turn
            self._changed.notify()
        return tasks

    def _run(self, key: _Key, tasks: Sequence[_Task]) -> list[dict[str, Array]]:
        model, _, outputs = key
        sizes = [task.size for task in tasks]
        rows = next((allowed for allowed in self._options.allowed_sizes if allowed >= sum(sizes)), sum(sizes))
        joined = batches.join([task.inputs for task in tasks], rows, self._options.pad)
        return batches.split(model.run(joined, outputs), sizes, rows)
