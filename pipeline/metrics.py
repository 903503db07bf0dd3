"""What Prometheus is told of runs: as a textfile for node_exporter's collector, and to a push gateway.

A run that fails changes what is said of the last run, and leaves what is said of the last one that went well.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Gauge, push_to_gateway, pushadd_to_gateway, write_to_textfile
from prometheus_client.parser import text_string_to_metric_families

PREFIX = "community_din_"
_PIPELINE = "pipeline"
# Each with its labels, beside that of the pipeline, and its help.
LAST_RUN = {
    "last_run_timestamp_seconds": ((), "When the last run ended."),
    "last_run_succeeded": ((), "Whether every node of the last run ran; a model that was refused is no failure."),
}
LAST_SUCCESS = {
    "last_success_timestamp_seconds": ((), "When the last run ended whose nodes all ran."),
    "rows": (("outcome",), "Rows of that run's span: read, used, rejected."),
    "rejected_share": ((), "The share of the rows read that were rejected."),
    "model_metric": (("metric", "end"), "What the model was measured: the value, and the ends of its interval."),
    "model_blessed": ((), "Whether the evaluator blessed the model."),
    "model_forced": ((), "Whether it was blessed although bounds do not hold."),
    "model_published": ((), "Whether the model is what is published."),
    "published_version": ((), "The version that the model is published as."),
    "node_seconds": (("node",), "How long each node of the run took, from the store's times."),
}
NAMES = tuple(PREFIX + name for name in (*LAST_RUN, *LAST_SUCCESS))


@dataclasses.dataclass(frozen=True)
class RunFacts:
    """What is told of a run that went well: samples by metric, each by the values of its labels."""

    samples: Mapping[str, Mapping[tuple[str, ...], float]]


def registry_of(pipeline: str, facts: RunFacts | None, now: float | None = None) -> CollectorRegistry:
    """The metrics of a run.

    Args:
        pipeline: The pipeline's name.
        facts: What is told of the run; None if a node failed.
        now: The time in seconds since 1970; None for the present.
    """
    now = time.time() if now is None else now
    samples: dict[str, Mapping[tuple[str, ...], float]] = {
        "last_run_timestamp_seconds": {(): now},
        "last_run_succeeded": {(): float(facts is not None)},
    }
    if facts is not None:
        samples |= {"last_success_timestamp_seconds": {(): now}, **facts.samples}
    registry = CollectorRegistry()
    for name, (labels, about) in (LAST_RUN | LAST_SUCCESS).items():
        if samples.get(name):
            gauge = Gauge(PREFIX + name, about, (_PIPELINE, *labels), registry=registry)
            for values, number in samples[name].items():
                gauge.labels(pipeline, *values).set(number)
    return registry


def write(path: Path, pipeline: str, facts: RunFacts | None, now: float | None = None) -> None:
    """Writes the textfile, at once; of a failed run, what it says of the last success stays.

    Args:
        path: The file, `*.prom`.
        pipeline: As for `registry_of`.
        facts: As for `registry_of`.
        now: As for `registry_of`.

    Raises:
        OSError: The file cannot be written.
    """
    registry = registry_of(pipeline, facts, now)
    if facts is None and path.exists():
        _keep(registry, path.read_text(encoding="utf-8"), pipeline)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), registry)
    # The collector runs as another user.
    os.chmod(path, 0o644)


def push(gateway: str, pipeline: str, facts: RunFacts | None) -> None:
    """Tells a push gateway. Of a failed run only what is said of the last run is replaced there.

    Raises:
        OSError: The gateway does not answer, or refuses.
    """
    send = push_to_gateway if facts is not None else pushadd_to_gateway
    send(gateway, job=PREFIX + "run", registry=registry_of(pipeline, facts), grouping_key={_PIPELINE: pipeline})


def _keep(registry: CollectorRegistry, earlier: str, pipeline: str) -> None:
    """Adds what an earlier textfile says of the last success."""
    for family in _families(earlier):
        name = family.name.removeprefix(PREFIX)
        if name not in LAST_SUCCESS:
            continue
        labels, about = LAST_SUCCESS[name]
        gauge = Gauge(family.name, about, (_PIPELINE, *labels), registry=registry)
        for sample in family.samples:
            if sample.labels.get(_PIPELINE) == pipeline and set(sample.labels) == {_PIPELINE, *labels}:
                gauge.labels(**sample.labels).set(sample.value)


def _families(text: str) -> Iterable[Any]:
    """The metrics of a textfile; none if it cannot be understood."""
    try:
        return list(text_string_to_metric_families(text))
    except ValueError:
        return []
