"""What a run of the metadata store tells Prometheus."""

from __future__ import annotations

import math
from pathlib import Path

import ml_metadata as mlmd

from components.evaluation.metrics import AUC, CALIBRATION, GAUC, LOG_LOSS
from components.evaluation.models import CANDIDATE
from components.evaluation.verdict import read_evaluation
from components.example_gen.reports import ROWS_READ, ROWS_REJECTED, ROWS_USED
from components.lineage import PIPELINE_RUN
from components.properties import FORCED, number, text
from pipeline.config import RunConfig
from pipeline.metrics import RunFacts, push, write
from pipeline.results import node_of, published, read_run

_OUTCOMES = {"read": ROWS_READ, "used": ROWS_USED, "rejected": ROWS_REJECTED}
_METRICS = (AUC, GAUC, LOG_LOSS, CALIBRATION)


def tell(config: RunConfig, facts: RunFacts | None, textfile: bool = True) -> list[str]:
    """Tells where the configuration says. Returns what went wrong: it is no reason for a run to fail.

    Args:
        config: The run's configuration.
        facts: What is told; None of a run that failed.
        textfile: Whether a textfile is written, too.
    """
    wrong = []
    if textfile:
        try:
            write(Path(textfile_of(config)), config.pipeline_name, facts)
        except OSError as error:
            wrong.append(f"The metrics could not be written: {error}")
    gateway = config.metrics.push_gateway
    if gateway:
        try:
            push(gateway, config.pipeline_name, facts)
        except OSError as error:
            wrong.append(f"The metrics could not be pushed to {gateway}: {error}")
    return wrong


def textfile_of(config: RunConfig) -> str:
    """Where the textfile is."""
    return config.metrics.metrics_file or f"{config.state_root}/metrics/{config.pipeline_name}.prom"


def facts_of(store: mlmd.MetadataStore, run_id: str) -> RunFacts:
    """What is told of a run whose nodes all ran."""
    record = read_run(store, run_id)
    examples, blessing = record.one("example_gen", "examples"), record.one("evaluator", "blessing")
    pushed = record.one("pusher", "pushed_model")
    version = published(pushed)
    rows: dict[tuple[str, ...], float] = {(outcome,): float(number(examples, name)) for outcome, name in _OUTCOMES.items()}
    own = read_evaluation(record.one("evaluator", "evaluation").uri).overall.models[CANDIDATE]
    measured: dict[tuple[str, ...], float] = {
        (metric, end): getattr(own[metric], end)
        for metric in _METRICS
        for end in ("value", "lower", "upper")
        if math.isfinite(getattr(own[metric], end))
    }
    return RunFacts(
        {
            "rows": rows,
            "rejected_share": {(): rows[("rejected",)] / rows[("read",)] if rows[("read",)] else 0.0},
            "model_metric": measured,
            "model_blessed": {(): float(number(blessing, "blessed") == 1)},
            "model_forced": {(): float(bool(text(blessing, FORCED)))},
            "model_published": {(): float(version is not None)},
            "published_version": {(): float(version.version)} if version is not None else {},
            "node_seconds": {(node,): seconds for node, seconds in _durations(store, run_id).items()},
        }
    )


def _durations(store: mlmd.MetadataStore, run_id: str) -> dict[str, float]:
    context = store.get_context_by_type_and_name(PIPELINE_RUN, run_id)
    executions = sorted(store.get_executions_by_context(context.id), key=lambda execution: execution.id)
    return {
        node_of(store, one): max(one.last_update_time_since_epoch - one.create_time_since_epoch, 0) / 1000
        for one in executions
    }
