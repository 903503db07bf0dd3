"""The last lines of a run: what went in, how good the model is, whether it was published, and why."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from components.artifacts import STATISTICS_ID
from components.declared import difference, same_declaration
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
from components.example_validator.findings import REPORT_TEXT, read_report
from components.properties import SPAN_NAME, number, text
from components.pusher.outcome import AGAIN, IS_NEW, REFUSED, REPLACED, REPLACED_DATA
from components.serving_validator.executor import CALLS, MILLISECONDS, SERVED_ROWS, SERVER, WORST
from components.vocabulary_validator.oov_rate import read_oov_rates
from pipeline.advice import Advice
from pipeline.canary import waits
from pipeline.config import RunConfig
from pipeline.quality_summary import quality_lines
from pipeline.results import Artifact, RunRecord, published
from pipeline.window_summary import WARNING, Line, window_lines
from serving.model_server import EMBEDDED

_SERVERS = {EMBEDDED: "the embedded server"}
_PASSED_OVER = {
    IGNORED_COLUMNS: "columns that are not declared",
    IGNORED_FILES: "files that are no data files",
    HEADER_ONLY_FILES: "files without rows",
}


def print_summary(config: RunConfig, run: RunRecord, console: Console, advice: Advice, log: Path | None = None) -> None:
    """Prints what came out of the run.

    Args:
        config: The run's configuration.
        run: The run.
        console: Where to print.
        advice: What a person can do next.
        log: The run's log file, if it has one.
    """
    lines = [
        *_rows(config, run),
        *_validation(run),
        *window_lines(config, run, advice),
        *_vocabularies(run),
        *quality_lines(config, run),
        *serving_lines(run),
        *_publication(config, run, advice),
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
        table.add_row(title, content, style="bold yellow" if title == WARNING else "")
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
        return find_source(config.data_root, config.span, config.version, config.marker).incomplete
    except InvalidInputError:
        return ()


def _by_rule(examples: Artifact) -> str:
    counts = {rule.id: number(examples, REJECTED_PREFIX + rule.id) for rule in RULES}
    return ", ".join(f"{rule} {count}" for rule, count in sorted(counts.items(), key=lambda item: -item[1]) if count)


def _validation(run: RunRecord) -> Iterator[Line]:
    anomalies = run.one("example_validator", "anomalies")
    report = read_report(anomalies.uri)
    compared = f"compared with {report.previous_span}" if report.previous_span else "no earlier span to compare with"
    compared += _not_compared(run)
    warnings = "1 warning" if len(report.warnings) == 1 else f"{len(report.warnings)} warnings"
    yield "Data", f"{len(report.findings)} checks, {warnings}; {compared}"
    for finding in report.warnings:
        yield "", f"{finding}"
    yield "", f"report: {os.path.join(anomalies.uri, REPORT_TEXT)}"


def _not_compared(run: RunRecord) -> str:
    """Why the span was not compared with the one that was accepted last."""
    statistics = run.one("statistics_gen", "statistics")
    compared = {one.id for one in run.all("previous_statistics", "statistics")}
    for last in run.all("previous_statistics", "blessing"):
        if number(last, STATISTICS_ID) in compared:
            continue
        if same_declaration(last, statistics):
            return f"; the statistics of {text(last, SPAN_NAME)} were removed"
        return f"; {text(last, SPAN_NAME)} is of another declaration, {difference(last, statistics)}"
    return ""


def _vocabularies(run: RunRecord) -> Iterator[Line]:
    rates = read_oov_rates(run.one("vocabulary_validator", "coverage").uri)
    shares = ", ".join(f"{name} {100 * rate:.2f} %" for name, rate in rates.items())
    yield "Unknown", f"tokens of the judging rows that are out of vocabulary: {shares}"


def serving_lines(run: RunRecord) -> Iterator[Line]:
    """Whether a server has loaded the model and answered for it; nothing if none was asked."""
    for blessing in run.all("serving_validator", "blessing"):
        if number(blessing, "blessed") != 1:
            yield "Served", "no: it is not published"
        elif server := text(blessing, SERVER):
            asked = f"{number(blessing, CALLS)} requests of {number(blessing, SERVED_ROWS)} rows"
            worst, taken = (blessing.custom_properties[name].double_value for name in (WORST, MILLISECONDS))
            answers = f"answers as the evaluator's, to {worst:.0e}; {taken:.1f} ms for 100 candidates"
            yield "Served", f"by {_SERVERS.get(server, server)}: {asked}, {answers}"
        else:
            yield "Served", "yes, by TFX's InfraValidator"


def _publication(config: RunConfig, run: RunRecord, advice: Advice) -> Iterator[Line]:
    pushed = run.one("pusher", "pushed_model")
    version = published(pushed)
    if version is None:
        yield "Published", f"no: {text(pushed, REFUSED)}"
        if number(run.one("evaluator", "blessing"), "blessed") != 1:
            yield "Next", "see the bounds above"
        elif any(number(blessing, "blessed") != 1 for blessing in run.all("serving_validator", "blessing")):
            yield "Next", "this answer is kept: another SERVING_START_SECONDS or MAX_SERVING_MS asks the server again"
        return
    if not number(pushed, IS_NEW):
        yield "Published", f"nothing new: this model is version {version.version} at {version.path}"
    else:
        yield "Published", f"version {version.version} at {version.path}"
        if again := text(pushed, AGAIN):
            yield "", f"the model of version {again} again, in place of version {text(pushed, REPLACED)}"
        if data := text(pushed, REPLACED_DATA):
            yield "", f"in place of version {text(pushed, REPLACED)}, of other data: {data}"
    if waiting := waits(config, int(version.version)):
        yield WARNING, waiting
    yield "Next", advice.serve
