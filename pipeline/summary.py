"""The last lines of a run: what went in, how good the model is, whether it was published, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from components.dataset import EVAL_SPAN, JUDGED_BY, NEXT_SPAN, TRAIN_SPANS
from components.evaluation import Check, read_evaluation
from components.example_gen.executor import HEADER_ONLY_FILES, IGNORED_COLUMNS, IGNORED_FILES
from components.example_gen.reports import (
    DEAD_LETTERS,
    JSON_LINES,
    REJECTED_PREFIX,
    ROWS_READ,
    ROWS_REJECTED,
    ROWS_USED,
)
from components.example_gen.rules import RULES, InvalidInputError
from components.example_gen.source import find_source
from components.example_gen.spans import EVAL, TRAIN, find_spans
from components.validation.findings import REPORT_TEXT, read_report
from components.validation.oov_rate import read_oov_rates
from pipeline.config import RunConfig
from pipeline.results import Artifact, RunRecord, number, published, split_sizes, text

# A title, empty where the line goes on, and a text.
Line = tuple[str, str]

_PASSED_OVER = {
    IGNORED_COLUMNS: "columns that are not declared",
    IGNORED_FILES: "files that are no data files",
    HEADER_ONLY_FILES: "files without rows",
}


def print_summary(config: RunConfig, run: RunRecord, console: Console, log: Path | None = None) -> None:
    """Prints what came out of the run.

    Args:
        config: The run's configuration.
        run: The run.
        console: Where to print.
        log: The run's log file, if it has one.
    """
    lines = [
        *_rows(config, run),
        *_validation(run),
        *_window(config, run),
        *_vocabularies(run),
        *_quality(config, run),
        *_publication(config, run),
    ]
    if log is not None:
        lines.append(("Log", str(log)))
    console.print()
    console.print(_table(lines))


def print_ingestion(config: RunConfig, run: RunRecord, console: Console) -> None:
    """Prints what went in, of a run that only ingested."""
    console.print(_table([*_rows(config, run), *_validation(run)]))


def _table(lines: list[Line]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for title, content in lines:
        table.add_row(title, content)
    return table


def _rows(config: RunConfig, run: RunRecord) -> Iterator[Line]:
    examples = run.one("example_gen", "examples")
    rejected = number(examples, ROWS_REJECTED)
    counts = f"{number(examples, ROWS_READ)} read, {number(examples, ROWS_USED)} used"
    yield "Rows", counts + (f", {rejected} rejected: {_by_rule(examples)}" if rejected else "")
    if rejected:
        yield "", f"dead letters: {os.path.join(examples.uri, DEAD_LETTERS)}-*{JSON_LINES}"
    for name, title in _PASSED_OVER.items():
        if passed_over := text(examples, name):
            yield "", f"{title}: {passed_over}"
    if incomplete := _incomplete(config):
        yield "", f"not complete yet, without {config.complete_marker}: {', '.join(incomplete)}"


def _incomplete(config: RunConfig) -> tuple[str, ...]:
    """What a run would take if it were complete; nothing if the data root cannot be read as it was."""
    if not config.complete_marker:
        return ()
    try:
        return find_source(config.data_root, config.span, config.span_version, config.complete_marker).incomplete
    except InvalidInputError:
        return ()


def _by_rule(examples: Artifact) -> str:
    counts = {rule.id: number(examples, REJECTED_PREFIX + rule.id) for rule in RULES}
    return ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items(), key=lambda item: -item[1]) if count)


def _validation(run: RunRecord) -> Iterator[Line]:
    anomalies = run.one("example_validator", "anomalies")
    report = read_report(anomalies.uri)
    compared = f"compared with {report.previous_span}" if report.previous_span else "no earlier span to compare with"
    warnings = "1 warning" if len(report.warnings) == 1 else f"{len(report.warnings)} warnings"
    yield "Data", f"{len(report.findings)} checks, {warnings}; {compared}"
    for finding in report.warnings:
        yield "", f"{finding}"
    yield "", f"report: {os.path.join(anomalies.uri, REPORT_TEXT)}"


def _vocabularies(run: RunRecord) -> Iterator[Line]:
    rates = read_oov_rates(run.one("vocabulary_validator", "coverage").uri)
    shares = ", ".join(f"{name} {100 * rate:.2f} %" for name, rate in rates.items())
    yield "Unknown", f"tokens of the judging rows that are out of vocabulary: {shares}"


def _window(config: RunConfig, run: RunRecord) -> Iterator[Line]:
    dataset = run.one("dataset", "examples")
    span = run.one("example_gen", "examples")
    if text(dataset, JUDGED_BY) == NEXT_SPAN:
        names = text(dataset, TRAIN_SPANS).split(",")
        spans = names[0] if len(names) == 1 else f"{len(names)} spans from {names[0]} to {names[-1]}"
        rows = sum(number(examples, ROWS_USED) for examples in run.all("window", "examples"))
        judging = number(span, ROWS_USED)
        yield "Window", f"{rows} rows of {spans} train, {judging} rows of {text(dataset, EVAL_SPAN)} judge"
    else:
        sizes = split_sizes(run.one("statistics_gen", "statistics"), (TRAIN, EVAL))
        name = text(dataset, EVAL_SPAN)
        yield (
            "Split",
            f"{sizes[TRAIN]} train, {sizes[EVAL]} eval" + (f", all of {name}: no earlier span is ingested" if name else ""),
        )
    missing = _missing(config, dataset)
    if missing:
        yield "", f"in DATA_ROOT but not in the window: {', '.join(missing)}; `make ingest` takes them in"


def _missing(config: RunConfig, dataset: Artifact) -> list[str]:
    """The spans that the window would hold if they had been ingested."""
    available = list(find_spans(config.data_root).values())
    anchor = text(dataset, EVAL_SPAN)
    if anchor not in available:
        return []
    before = available[: available.index(anchor)][-config.window_spans :]
    return [name for name in before if name not in text(dataset, TRAIN_SPANS).split(",")]


def _quality(config: RunConfig, run: RunRecord) -> Iterator[Line]:
    evaluation = read_evaluation(run.one("evaluator", "evaluation").uri, config.bounds)
    if "trainer" in run.cached:
        yield "Trained", "before: the data, the code and the settings are those of an earlier run"
    yield "Quality", f"AUC {evaluation.auc:.4f}, log loss {evaluation.log_loss:.4f} on {evaluation.rows} rows"
    for name, metrics in sorted(evaluation.slices.items()):
        rows = f"{metrics['example_count']:.0f} rows"
        yield "", f"{name}: AUC {metrics['auc']:.4f}, log loss {metrics['binary_crossentropy']:.4f} on {rows}"
    blessed = number(run.one("evaluator", "blessing"), "blessed") == 1
    yield "Blessed", "yes" if blessed else "no"
    for check in evaluation.checks:
        yield "", _check(check)
    if len(evaluation.checks) == 1:
        yield "", "no earlier blessed model to compare with"


def _check(check: Check) -> str:
    verdict = "holds" if check.passed else "FAILS"
    return f"{check.name}: {check.value:+.4f} against the bound {check.bound:+.4f}: {verdict}"


def _publication(config: RunConfig, run: RunRecord) -> Iterator[Line]:
    version = published(run.one("pusher", "pushed_model"))
    later = [published(pushed) for pushed in run.all("published_later", "pushed_model")]
    if version is not None and "pusher" in run.cached:
        yield "Published", f"nothing new: this model is version {version.version} at {version.path}"
    elif version is not None:
        yield "Published", f"version {version.version} at {version.path}"
    elif later and later[0] is not None:
        yield "Published", f"no: version {later[0].version}, of a later span, is published"
        return
    else:
        yield "Published", "no: the model is not blessed"
        yield "Next", "see the bounds above"
        return
    yield "Next", f"make serve STATE_ROOT={config.state_root}"
