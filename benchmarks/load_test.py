"""Loads a model server with ranking requests, and reports latencies, throughput, errors and the server's CPU time.

    python -m benchmarks.load_test --concurrency 8 --candidates 500 --seconds 20

starts the embedded server on the published model, loads it and stops it; `--server-flag` adds a flag of it. `--server
HOST:PORT` loads a server that runs already, such as TensorFlow Serving. Users and candidates come from data/sample, and
histories have `--history` entries.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import random
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks._load import PERCENTILES, Inputs, LoadResult, measure
from benchmarks._load_plot import draw
from serving.client import RankingError
from serving.client.cells import request_inputs
from serving.client.grpc_transport import GrpcTransport
from serving.client.ranking_client import MODEL_NAME
from serving.client.rest_transport import RestTransport
from serving.client.transport import Transport
from serving.server.process import start
from transform.declaration import LIST_SEPARATOR
from transform.features import DECLARATION

_DISTINCT = 64
_PUBLISHED = Path("var/serving") / MODEL_NAME
_SAMPLE = Path("data/sample/2026-01-01.csv")


def sample_requests(candidates: int, history: int, seed: int = 0, least: int | None = None) -> list[Inputs]:
    """Different requests of one user and so many candidates (from `least` on), of the sample's tokens."""
    rng = random.Random(seed)
    with _SAMPLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    requests: list[Inputs] = []
    for _ in range(_DISTINCT):
        user: dict[str, Any] = {name: rng.choice(rows)[name] for name in DECLARATION.side_columns("user")}
        for group in DECLARATION.histories:
            entries = [rng.choice(rows) for _ in range(history)]
            user |= {column: LIST_SEPARATOR.join(entry[query] for entry in entries) for column, query in group.queries}
        count = rng.randint(candidates if least is None else least, candidates)
        items = [{name: row[name] for name in DECLARATION.side_columns("item")} for row in rng.choices(rows, k=count)]
        requests.append(request_inputs([(user, items)], DECLARATION))
    return requests


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load_test", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--concurrency", type=int, default=8, help="requests under way at once (%(default)s)")
    parser.add_argument("--candidates", type=int, default=500, help="candidates of a request (%(default)s)")
    parser.add_argument("--least", type=int, help="candidates vary from this number on (default: they do not vary)")
    parser.add_argument("--history", type=int, default=50, help="entries of a user's history (%(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="(%(default)s)")
    parser.add_argument("--warmup", type=float, default=3.0, help="seconds of load before, not counted (%(default)s)")
    parser.add_argument("--deadline", type=float, default=10.0, help="seconds of a request (%(default)s)")
    parser.add_argument("--plot", type=Path, default=Path("var/load-test.png"), help="(%(default)s)")
    server = parser.add_argument_group("server")
    server.add_argument("--server", metavar="HOST:PORT", help="one that runs already; default: start the embedded server")
    server.add_argument("--server-pid", type=int, help="its process, if it is on this machine, for its CPU time")
    server.add_argument("--base-path", type=Path, default=_PUBLISHED, help="else: the model (%(default)s)")
    server.add_argument("--server-flag", action="append", default=[], help="of the embedded server; may be repeated")
    server.add_argument("--model-name", default=MODEL_NAME, help="(%(default)s)")
    server.add_argument("--rest", action="store_true", help="speak REST instead of gRPC")
    return parser


def _check(arguments: argparse.Namespace) -> None:
    for name in ("concurrency", "candidates", "seconds", "deadline"):
        if not getattr(arguments, name) > 0:
            raise ValueError(f"`--{name}` must be positive. Received: {getattr(arguments, name)}.")
    for name in ("history", "warmup"):
        if not getattr(arguments, name) >= 0:
            raise ValueError(f"`--{name}` must not be negative. Received: {getattr(arguments, name)}.")
    if arguments.least is not None and not 0 < arguments.least <= arguments.candidates:
        raise ValueError(f"`--least` must be from 1 to `--candidates`. Received: {arguments.least}.")


@contextlib.contextmanager
def _server(arguments: argparse.Namespace) -> Iterator[tuple[str, int | None]]:
    """The address to load, and the server's process if it is known."""
    if arguments.server:
        yield arguments.server, arguments.server_pid
        return
    base_path = f"--model_base_path={arguments.base_path.resolve()}"
    with start(f"--model_name={arguments.model_name}", base_path, *arguments.server_flag) as server:
        yield server.rest_url if arguments.rest else server.grpc_address, server.process.pid


def _load(arguments: argparse.Namespace) -> LoadResult:
    requests = sample_requests(arguments.candidates, arguments.history, least=arguments.least)
    with _server(arguments) as (target, pid):
        kind = RestTransport if arguments.rest else GrpcTransport
        transport: Transport = kind(target, arguments.model_name)
        with contextlib.closing(transport):
            # The first request alone: what is wrong with it is wrong with all.
            transport.predict("rank", requests[0], ["score"], 60.0)
            load = (transport, requests, arguments.concurrency)
            measure(*load, arguments.warmup, arguments.deadline)
            return measure(*load, arguments.seconds, arguments.deadline, pid)


def report(result: LoadResult) -> Table:
    """The figures as a table."""
    table = Table(show_header=False)
    answered = len(result.latencies)
    table.add_row("answered", f"{answered} in {result.duration:.1f} s, {result.rate:.1f}/s")
    failed = ", ".join(f"{count} {name}" for name, count in sorted(result.errors.items()))
    table.add_row("failed", failed or "none")
    latencies = [f"p{percent} {result.percentile(percent) * 1000:.1f} ms" for percent in PERCENTILES]
    table.add_row("latency", "  ".join([*latencies, f"longest {result.percentile(100) * 1000:.1f} ms"]))
    for who, seconds in (("server CPU", result.server_cpu), ("client CPU", result.client_cpu)):
        if seconds is None:
            table.add_row(who, "unknown: not on this machine, or without --server-pid")
        else:
            each = f", {seconds / answered * 1000:.1f} ms a request" if answered else ""
            table.add_row(who, f"{seconds / result.duration:.2f} cores{each}")
    return table


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns 0, 1 if the server failed or any request did, 2 if the arguments cannot be used."""
    arguments = _parser().parse_args(argv)
    try:
        _check(arguments)
        result = _load(arguments)
    except (ValueError, OSError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RankingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    title = f"rank, {arguments.candidates} candidates, history {arguments.history}, concurrency {arguments.concurrency}"
    console = Console()
    console.print(title, report(result), sep="\n")
    if len(result.latencies):
        draw(result, title, arguments.plot)
        console.print(f"plot: {arguments.plot}")
    return 1 if result.errors else 0


if __name__ == "__main__":
    sys.exit(main())
