"""Sends Predict requests from many threads and measures them."""

from __future__ import annotations

import collections
import dataclasses
import itertools
import os
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from serving.client import RankingError
from serving.client.transport import Strings, Transport

PERCENTILES = (50, 90, 95, 99)
_TICKS = os.sysconf("SC_CLK_TCK")

Inputs = Mapping[str, Strings]


@dataclasses.dataclass(frozen=True)
class LoadResult:
    """What a load test measured, in seconds.

    Args:
        starts: When each answered request was sent, counted from the start, float64 [N].
        latencies: How long its answer took, float64 [N].
        errors: dict. How many requests failed, by the error's class.
        duration: float. From the first request to the last answer.
        client_cpu: float. CPU time of this process.
        server_cpu: float. CPU time of the server's process; None if it is not known.
    """

    starts: NDArray[np.float64]
    latencies: NDArray[np.float64]
    errors: dict[str, int]
    duration: float
    client_cpu: float
    server_cpu: float | None

    @property
    def rate(self) -> float:
        """Answered requests a second."""
        return len(self.latencies) / self.duration

    def percentile(self, percent: float) -> float:
        """A latency's percentile; not a number if nothing was answered."""
        return float(np.percentile(self.latencies, percent)) if len(self.latencies) else float("nan")


def measure(
    transport: Transport,
    requests: Sequence[Inputs],
    concurrency: int,
    seconds: float,
    deadline: float,
    server_pid: int | None = None,
) -> LoadResult:
    """Keeps `concurrency` requests under way for `seconds`, each thread sending its next one when it has the answer.

    Args:
        transport: The connection.
        requests: What to send, in turn.
        concurrency: Threads.
        seconds: For how long requests are sent.
        deadline: Seconds until a request is given up.
        server_pid: The server's process, on this machine, whose CPU time is read. Defaults to `None`, unknown.

    Raises:
        ProcessLookupError: There is no process of that id.
    """
    turns = itertools.cycle(requests)
    taking = threading.Lock()
    answered: list[tuple[float, float]] = []
    errors: collections.Counter[str] = collections.Counter()
    server_before = None if server_pid is None else cpu_seconds(server_pid)
    client_before, start = time.process_time(), time.perf_counter()

    def send() -> None:
        while (sent := time.perf_counter()) < start + seconds:
            with taking:
                inputs = next(turns)
            try:
                transport.predict("rank", inputs, ["score"], deadline)
            except RankingError as error:
                with taking:
                    errors[type(error).__name__] += 1
            else:
                answered.append((sent - start, time.perf_counter() - sent))

    threads = [threading.Thread(target=send) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    duration = time.perf_counter() - start
    server_cpu = None if server_pid is None or server_before is None else cpu_seconds(server_pid) - server_before
    pairs = np.array(answered, dtype=np.float64).reshape(-1, 2)
    client_cpu = time.process_time() - client_before
    return LoadResult(pairs[:, 0], pairs[:, 1], dict(errors), duration, client_cpu, server_cpu)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process on this machine so far, user and system. Raises ProcessLookupError if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError as error:
        raise ProcessLookupError(f"`--server-pid` must be a process of this machine. Received: {pid}.") from error
    # The fields after the command's name, which is in brackets and may hold anything.
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
