"""New versions under constant load: failed requests, latencies and memory.

    python -m benchmarks.reloads --reloads 20 --clients 2

Publishes versions of a small model by rename, one after the other, while clients send Predict requests over gRPC to an
embedded server of its own, and prints what they met.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from serving.server import process

MODEL_SIZE = 1024


@dataclass(frozen=True)
class Outcome:
    """What clients met.

    Args:
        latencies: milliseconds of each request, [requests].
        failures: what went wrong, a text for each failed request.
        versions: that answered, in the order in which they were first seen.
        memory: MiB of the server after each reload, [reloads].
    """

    latencies: np.ndarray[Any, np.dtype[np.float64]]
    failures: list[str]
    versions: list[int]
    memory: list[float]


class Matrix(tf.Module):
    """y = x @ weights: as many weights as a version's memory is to be seen by."""

    def __init__(self) -> None:
        self.weights = tf.Variable(tf.random.normal([MODEL_SIZE, MODEL_SIZE], seed=0))

    @tf.function(input_signature=[tf.TensorSpec([None, MODEL_SIZE], tf.float32)])
    def predict(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"y": tf.matmul(x, self.weights)}


def measure(reloads: int, clients: int) -> Outcome:
    """Runs a server, clients and reloads.

    Args:
        reloads: versions to publish after the first.
        clients: threads, each of which sends a request as soon as its last one is answered.
    """
    with tempfile.TemporaryDirectory() as folder:
        master = Path(folder) / "master"
        module = Matrix()
        tf.saved_model.save(module, str(master), {"serving_default": module.predict})
        base = Path(folder) / "models"
        _publish(master, base, 1)
        with process.start(f"--model_base_path={base}", "--file_system_poll_wait_seconds=1") as server:
            return _under_load(server, master, base, reloads, clients)


def _publish(master: Path, base: Path, version: int) -> None:
    base.mkdir(exist_ok=True)
    scratch = base / f"writing-{version}"
    shutil.copytree(master, scratch)
    scratch.rename(base / str(version))


def _resident_mib(pid: int) -> float:
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]) / 1024


def _under_load(server: process.RunningServer, master: Path, base: Path, reloads: int, clients: int) -> Outcome:
    done = threading.Event()
    latencies: list[float] = []
    failures: list[str] = []
    versions: list[int] = []

    def send() -> None:
        request = predict_pb2.PredictRequest()
        request.model_spec.name = "default"
        request.inputs["x"].CopyFrom(tf.make_tensor_proto(np.ones([1, MODEL_SIZE], np.float32)))
        with grpc.insecure_channel(server.grpc_address) as channel:
            stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
            last = False
            while not last:
                # A request is begun after the last reload, so that its version is seen.
                last = done.is_set()
                start = time.perf_counter()
                try:
                    version = stub.Predict(request, timeout=30).model_spec.version.value
                except grpc.RpcError as error:
                    failures.append(f"{error.code().name}: {error.details()}")
                    continue
                latencies.append((time.perf_counter() - start) * 1e3)
                if version not in versions:
                    versions.append(version)

    memory = []
    with ThreadPoolExecutor(clients) as threads:
        futures = [threads.submit(send) for _ in range(clients)]
        try:
            for version in range(2, reloads + 2):
                _publish(master, base, version)
                gone = f"Done unloading servable version {{name: default version: {version - 1}}}"
                while gone not in server.log.read_text():
                    if server.process.poll() is not None:
                        raise RuntimeError(f"The server ended:\n{server.log.read_text()}")
                    time.sleep(0.05)
                memory.append(_resident_mib(server.process.pid))
        finally:
            done.set()
        for future in futures:
            future.result()
    return Outcome(np.array(latencies), failures, versions, memory)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command; see the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reloads", type=int, default=20)
    parser.add_argument("--clients", type=int, default=2)
    options = parser.parse_args(arguments)
    outcome = measure(options.reloads, options.clients)
    p50, p99, worst = np.percentile(outcome.latencies, [50, 99, 100])
    sent, failed = len(outcome.latencies) + len(outcome.failures), len(outcome.failures)
    print(f"{options.reloads} reloads, {options.clients} clients: {sent} requests, {failed} failed")
    print(f"latency: p50 {p50:.2f} ms, p99 {p99:.2f} ms, worst {worst:.1f} ms")
    print(
        f"server's memory: {outcome.memory[0]:.1f} MiB after the first reload, {outcome.memory[-1]:.1f} after the last, ",
        end="",
    )
    print(f"{max(outcome.memory):.1f} at most")
    for failure in sorted(set(outcome.failures)):
        print(f"failed: {failure}")


if __name__ == "__main__":
    main()
