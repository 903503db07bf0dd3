"""The last lines of a run: what went in, how good the model is, whether it was published, and why."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from components.evaluation import Check, Evaluation, read_evaluation
from components.example_gen.spans import EVAL, TRAIN
from components.example_gen.executor import ROWS_READ, ROWS_USED
from pipeline.config import RunConfig
from pipeline.results import Artifact, published, run_outputs, split_sizes


def print_summary(config: RunConfig, run_id: str, console: Console, log: Path) -> None:
    """Prints what came out of the run.

    Args:
        config: The run's configuration.
        run_id: The run's id in the metadata store.
        console: Where to print.
        log: The run's log file.
    """
    outputs = run_outputs(config.metadata_path, run_id)
    console.print()
    console.print(_facts(config, outputs, log))


def _facts(config: RunConfig, outputs: dict[str, dict[str, list[Artifact]]], log: Path) -> Table:
    examples = outputs["example_gen"]["examples"][0].custom_properties
    sizes = split_sizes(outputs["statistics_gen"]["statistics"][0], (TRAIN, EVAL))
    evaluation = read_evaluation(outputs["evaluator"]["evaluation"][0].uri, config.bounds)
    blessed = outputs["evaluator"]["blessing"][0].custom_properties["blessed"].int_value == 1
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="bold", no_wrap=True)
    facts.add_column(overflow="fold")
    facts.add_row("Rows", f"{examples[ROWS_READ].int_value} read, {examples[ROWS_USED].int_value} used")
    facts.add_row("Split", f"{sizes[TRAIN]} train, {sizes[EVAL]} eval")
    facts.add_row("Quality", f"AUC {evaluation.auc:.4f}, log loss {evaluation.log_loss:.4f} on {evaluation.rows} rows")
    for name, metrics in sorted(evaluation.slices.items()):
        facts.add_row("", f"{name}: {_slice(metrics)}")
    facts.add_row("Blessed", "yes" if blessed else "no")
    for check in evaluation.checks:
        facts.add_row("", _check(check))
    if not _compared(evaluation):
        facts.add_row("", "no earlier blessed model to compare with")
    for title, text in _publication(config, outputs["pusher"]["pushed_model"][0]):
        facts.add_row(title, text)
    facts.add_row("Log", str(log))
    return facts


def _slice(metrics: dict[str, float]) -> str:
    return f"AUC {metrics['auc']:.4f}, log loss {metrics['binary_crossentropy']:.4f} on {metrics['example_count']:.0f} rows"


def _check(check: Check) -> str:
    verdict = "holds" if check.passed else "FAILS"
    return f"{check.name}: {check.value:+.4f} against the bound {check.bound:+.4f}: {verdict}"


def _compared(evaluation: Evaluation) -> bool:
    return len(evaluation.checks) > 1


def _publication(config: RunConfig, pushed_model: Artifact) -> list[tuple[str, str]]:
    version = published(pushed_model)
    if version is None:
        return [("Published", "no: the model is not blessed"), ("Next", "see the bounds above")]
    return [
        ("Published", f"version {version.version} at {version.path}"),
        (
            "Next",
            f"tensorflow_model_server --model_name={config.pipeline_name} --model_base_path={config.serving_root}",
        ),
    ]
