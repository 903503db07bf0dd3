"""Counts and latencies under the names that TensorFlow Serving exports to Prometheus."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import grpc
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest

from serving.server.errors import ServingError

DEFAULT_PATH = "/monitoring/prometheus/metrics"

_MICROSECONDS = tuple(10 * 1.8**power for power in range(33))
_COUNTS = tuple(2.0**power for power in range(15))
# prometheus_client appends `_total` to a counter's name; these do not have it in TensorFlow Serving.
_WITHOUT_SUFFIX = (":tensorflow:serving:request_count", ":tensorflow:cc:saved_model:load_attempt_count")


class Metrics:
    """One server's metrics."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._requests = self._counter(_WITHOUT_SUFFIX[0], "Requests.", "model_name", "status")
        self._request_latency = self._histogram(
            ":tensorflow:serving:request_latency", "Microseconds of successful requests.", "model_name", "API", "entrypoint"
        )
        self._runtime_latency = self._histogram(
            ":tensorflow:serving:runtime_latency", "Microseconds in TensorFlow.", "model_name", "API", "runtime"
        )
        self._example_counts = self._histogram(
            ":tensorflow:serving:request_example_counts", "tf.Examples per request.", "model", buckets=_COUNTS
        )
        self._examples = self._counter(":tensorflow:serving:request_example_count_total", "tf.Examples.", "model")
        self._warmup = self._histogram(
            ":tensorflow:serving:model_warmup_latency", "Microseconds of warm-ups.", "model_path", "status"
        )
        self._load_attempts = self._counter(_WITHOUT_SUFFIX[1], "Loads of SavedModels.", "model_path", "status")

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str, buckets: tuple[float, ...] = _MICROSECONDS) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=buckets)

    @contextmanager
    def request(self, name: str, api: str, entrypoint: str) -> Iterator[None]:
        """Counts a request by its outcome, and its time if it succeeded."""
        start = time.perf_counter()
        code = grpc.StatusCode.INTERNAL
        try:
            yield
            code = grpc.StatusCode.OK
            self._request_latency.labels(name, api, entrypoint).observe(_since(start))
        except ServingError as error:
            code = error.code
            raise
        finally:
            self._requests.labels(name, code.name).inc()

    @contextmanager
    def runtime(self, name: str, api: str) -> Iterator[None]:
        """Times TensorFlow's part of a request."""
        start = time.perf_counter()
        yield
        self._runtime_latency.labels(name, api, "TF1").observe(_since(start))

    def examples(self, name: str, count: int) -> None:
        self._example_counts.labels(name).observe(count)
        self._examples.labels(name).inc(count)

    @contextmanager
    def load(self, path: str) -> Iterator[None]:
        """Counts an attempt to load a version."""
        outcome = "fail"
        try:
            yield
            outcome = "success"
        finally:
            self._load_attempts.labels(path, outcome).inc()

    @contextmanager
    def warmup(self, path: str) -> Iterator[None]:
        """Times a warm-up."""
        start = time.perf_counter()
        yield
        self._warmup.labels(path, "OK").observe(_since(start))

    def value(self, name: str) -> int:
        """The sum of a counter under TensorFlow's own name (`/tensorflow/serving/request_count`); 0 if there is none."""
        exported = name.replace("/", ":")
        values = (
            sample.value
            for metric in self._registry.collect()
            for sample in metric.samples
            if sample.name in (exported, f"{exported}_total")
        )
        return int(sum(values))

    def exposition(self) -> str:
        """Prometheus' text format."""
        text = generate_latest(self._registry).decode()
        for name in _WITHOUT_SUFFIX:
            text = text.replace(f"{name}_total", name)
        return text


def _since(start: float) -> float:
    return (time.perf_counter() - start) * 1e6
