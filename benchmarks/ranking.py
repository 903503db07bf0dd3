"""Ranks K candidates of one user over gRPC in three ways, beside each other, and against the bound of the matrix products.

    python -m benchmarks.ranking                                     # its own model, on `python -m serving`
    python -m benchmarks.ranking --address HOST:PORT --pid PID ...   # a server that runs already, on this machine

`rank` sends the user once and the candidates as columns; `serving_default` sends columns with the user repeated K times;
`serve_examples` sends K tf.Examples. The ways take turns, request by request, so that all see the same machine. CPU time is
the server process's, from /proc. The bound is the floating point operations of `rank`'s matrix products at the rate that
TensorFlow multiplies float32 matrices at, with as many threads, measured between the rounds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks._load import cpu_seconds
from benchmarks._ranking_bound import gemm_flops, matmul_rate
from benchmarks._ranking_requests import REQUESTS, random_feed, read_vocabularies, scores
from serving.server import process
from serving.versions import newest_version
from trainer.hyperparameters import Hyperparameters
from transform.features import DECLARATION

TOLERANCE = 1e-5
FEEDS = 4
ROUNDS = 4
MESSAGE_BYTES = 256 * 2**20
DEADLINE_SECONDS = 60.0


class Measurement(NamedTuple):
    """One way at one K: latencies and server CPU time of a request, in seconds."""

    candidates: int
    signature: str
    p50: float
    p99: float
    cpu: float
    bound: float


def measure(
    stub: prediction_service_pb2_grpc.PredictionServiceStub,
    pid: int,
    requests: dict[str, list[predict_pb2.PredictRequest]],
    seconds: float,
) -> tuple[dict[str, list[float]], dict[str, float], float]:
    """Sends the requests of each signature in turn, in rounds.

    Returns:
        By signature the latencies, and the server's CPU time per request; and the median rate of matrix products.
    """
    latencies: dict[str, list[float]] = {signature: [] for signature in requests}
    cpu = dict.fromkeys(requests, 0.0)
    rates = []
    for _ in range(ROUNDS):
        rates.append(matmul_rate())
        for signature, variants in requests.items():
            start_cpu, end = cpu_seconds(pid), time.perf_counter() + seconds / ROUNDS
            while time.perf_counter() < end:
                for request in variants:
                    start = time.perf_counter()
                    stub.Predict(request, timeout=DEADLINE_SECONDS)
                    latencies[signature].append(time.perf_counter() - start)
            cpu[signature] += cpu_seconds(pid) - start_cpu
    per_request = {signature: total / len(latencies[signature]) for signature, total in cpu.items()}
    return latencies, per_request, statistics.median(rates)


def run(
    address: str, pid: int, model_name: str, version_path: Path, candidates: Sequence[int], seconds: float
) -> Iterator[Measurement]:
    """Measures all signatures at each K.

    Raises:
        ValueError: The signatures do not give the same scores.
    """
    vocabularies = read_vocabularies(version_path, DECLARATION)
    rng = random.Random(0)
    options = [("grpc.max_send_message_length", MESSAGE_BYTES), ("grpc.max_receive_message_length", MESSAGE_BYTES)]
    with grpc.insecure_channel(address, options) as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        for count in candidates:
            feeds = [random_feed(DECLARATION, vocabularies, count, rng) for _ in range(FEEDS)]
            requests = {signature: [create(feed) for feed in feeds] for signature, create in REQUESTS.items()}
            for variants in requests.values():
                for request in variants:
                    request.model_spec.name = model_name
            for i in range(FEEDS):  # also warms up
                found = [scores(stub.Predict(variants[i], timeout=DEADLINE_SECONDS)) for variants in requests.values()]
                worst = max(float(np.max(np.abs(other - found[0]))) for other in found[1:])
                if worst > TOLERANCE:
                    raise ValueError(f"All signatures must give the same scores, to {TOLERANCE}. Received: {worst}.")
            latencies, cpu, rate = measure(stub, pid, requests, seconds)
            bound = gemm_flops(DECLARATION, Hyperparameters(), count) / rate
            for signature, found_latencies in latencies.items():
                p50, p99 = np.percentile(found_latencies, [50, 99])
                yield Measurement(count, signature, float(p50), float(p99), cpu[signature], bound)


def report(measurements: Sequence[Measurement]) -> str:
    """A Markdown table, and how `rank` compares with the others."""
    lines = ["| K | signature | p50 ms | p99 ms | server CPU ms | requests per CPU s |", "|---|---|---|---|---|---|"]
    lines += [
        f"| {m.candidates} | {m.signature} | {m.p50 * 1e3:.1f} | {m.p99 * 1e3:.1f} | {m.cpu * 1e3:.1f} | {1 / m.cpu:.1f} |"
        for m in measurements
    ]
    lines += ["", "| K | rank against | speed (p50) | requests per CPU s | CPU against the bound |", "|---|---|---|---|---|"]
    for candidates in sorted({m.candidates for m in measurements}):
        rank, *others = (m for m in measurements if m.candidates == candidates)
        for other in others:
            bound = f"{rank.cpu / rank.bound:.2f} x {rank.bound * 1e3:.2f} ms"
            ratios = f"{other.p50 / rank.p50:.1f} x | {other.cpu / rank.cpu:.1f} x | {bound}"
            lines.append(f"| {candidates} | {other.signature} | {ratios} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranking", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--candidates", type=int, nargs="+", default=[100, 500, 2000], help="values of K (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of measuring, for each K and signature (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="TensorFlow's threads, in the server started (%(default)s)")
    parser.add_argument("--model-name", default="community-din", help="the model's name (%(default)s)")
    parser.add_argument(
        "--model-base-path",
        type=Path,
        help="folder of versions, of the default hyperparameters (default: one made for this)",
    )
    parser.add_argument("--address", help="gRPC address of a server of that folder, instead of starting one; needs --pid")
    parser.add_argument("--pid", type=int, help="the process id of that server")
    parser.add_argument("--json", type=Path, help="file for the measurements")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if bool(arguments.address) != bool(arguments.pid) or (arguments.address and not arguments.model_base_path):
        parser.error("--address, --pid and --model-base-path must be given together.")
    for set_threads in (
        tf.config.threading.set_intra_op_parallelism_threads,
        tf.config.threading.set_inter_op_parallelism_threads,
    ):
        set_threads(arguments.threads)
    with contextlib.ExitStack() as stack:
        base_path = arguments.model_base_path
        if base_path is None:
            from benchmarks._ranking_model import export_model  # imports Beam and TFT: half a minute

            base_path = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            export_model(base_path / "1", DECLARATION)
        newest = newest_version(str(base_path))
        if newest is None:
            parser.error(f"--model-base-path must hold a published version. Received: {base_path}.")
        version_path = Path(newest)
        address, pid = arguments.address, arguments.pid
        if address is None:
            flags = [f"--model_name={arguments.model_name}", f"--model_base_path={base_path.resolve()}"]
            flags += [f"--tensorflow_{kind}_op_parallelism={arguments.threads}" for kind in ("intra", "inter")]
            server = stack.enter_context(process.start(*flags))
            address, pid = server.grpc_address, server.process.pid
        measurements = list(run(address, pid, arguments.model_name, version_path, arguments.candidates, arguments.seconds))
    print(report(measurements))
    if arguments.json:
        arguments.json.write_text(json.dumps([m._asdict() for m in measurements], indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
