"""The command `community-din` (also `python -m pipeline`), which the make targets call.

Settings are given as NAME=VALUE, in the environment, or in a file (`--config`, or CONFIG), in this order.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from pipeline.command import Body, run_command
from pipeline.config import CONFIG, RunConfig, local_config
from settings.base import SettingError, unknown_setting
from settings.catalogue import catalogue
from settings.files import write_text
from settings.reference import table

# The names of the variables on make's command line; what is no setting there is a mistake.
MAKE_GIVEN = "MAKE_GIVEN"
_OF_TARGETS = frozenset({"CONFIG", "ROWS", "SPANS", "DRY_RUN", "INPUT", "OUTPUT", "RUN"})

_settings = click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
_file = click.option("--config", "file", metavar="FILE", help="A YAML file of settings; `config` writes one.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
def main() -> None:
    """From interaction CSVs to a published ranking model.

    Settings are given as NAME=VALUE, as variables of the environment, or in a YAML file; `community-din config` lists them
    all.
    """


@main.command()
@_settings
@_file
def run(settings: Sequence[str], file: str | None) -> None:
    """Run the pipeline: from CSVs to a published model."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.local import run as run_pipeline

        return run_pipeline(config, console, log)

    _run("run", body, settings, file)


@main.command()
@click.argument("spans", default="", envvar="SPANS")
@_settings
@_file
def ingest(spans: str, settings: Sequence[str], file: str | None) -> None:
    """Ingest and validate SPANS without training on them.

    SPANS is FROM..TO (folder names, dates or numbers, both included) or a list separated by commas. Without it, the spans
    that the window of the next run needs are ingested.
    """
    if "=" in spans:
        spans, settings = "", [spans, *settings]

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.local import ingest as ingest_spans
        from pipeline.span_choice import chosen_spans

        try:
            chosen = chosen_spans(spans, config)
        except ValueError as error:
            console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
            return 1
        return ingest_spans(config, chosen, console, log)

    _run("ingest", body, settings, file)


@main.command()
@_settings
@_file
@click.option("--output", "out", envvar="OUTPUT", default="", help="The YAML to write; by default STATE_ROOT/tuned.yaml.")
def tune(settings: Sequence[str], file: str | None, out: str) -> None:
    """Try hyperparameters on the data of a run, and write the best as a file of settings.

    TUNE_CHOICES and TUNE_TRIALS say which, and how many combinations. Nothing is published.
    """

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.tune import tune as tune_settings

        return tune_settings(config, Path(out or config.state_root + "/tuned.yaml"), console)

    _run("tune", body, settings, file)


@main.command()
@_settings
@_file
@click.option("--input", "source", envvar="INPUT", required=True, help="A CSV or TSV, or a folder of such, without labels.")
@click.option("--output", "out", envvar="OUTPUT", required=True, help="The folder to make for the CSVs of scores.")
def score(settings: Sequence[str], file: str | None, source: str, out: str) -> None:
    """Score unlabelled rows by a published version.

    It may be done while another command is at work. SCORE_VERSION and SCORE_COLUMNS say which version, and what is kept
    beside the scores.
    """

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.score import score_rows

        return score_rows(source, out, config, console, log)

    _run("score", body, settings, file, alone=False)


@main.command()
@_settings
@_file
@click.option("--run", "run_id", envvar="RUN", default="", help="The run's id; by default the last run with a model.")
def report(settings: Sequence[str], file: str | None, run_id: str) -> None:
    """Print the path of a run's report, an HTML file; it is made anew where the run has left none."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        import ml_metadata as mlmd
        from tfx.orchestration import metadata

        from pipeline.report import report as report_run

        if not os.path.exists(config.metadata_path):
            return _without_state(config, console)
        store = mlmd.MetadataStore(metadata.sqlite_metadata_connection_config(config.metadata_path))
        return report_run(config, store, run_id, console)

    _run("report", body, settings, file, alone=False)


@main.command()
@_settings
@_file
@click.option("--dry-run", is_flag=True, envvar="DRY_RUN", help="Only tell what would go.")
def prune(settings: Sequence[str], file: str | None, dry_run: bool) -> None:
    """Remove old spans, models and metadata.

    Nothing goes that a kept published version, the window or the next run needs. KEEP_SPANS and its like say what is kept.
    """

    def body(config: RunConfig, console: Console, log: Path) -> int:
        import ml_metadata as mlmd
        from tfx.orchestration import metadata

        from pipeline.prune import prune as prune_state

        if not os.path.exists(config.metadata_path):
            return _without_state(config, console)
        connection = metadata.sqlite_metadata_connection_config(config.metadata_path)
        console.print(prune_state(config, connection, mlmd.MetadataStore(connection), dry_run))
        return 0

    _run("prune", body, settings, file)


@main.command()
@_settings
@_file
@click.option("--markdown", is_flag=True, help="The README's table of the main settings instead.")
def config(settings: Sequence[str], file: str | None, markdown: bool) -> None:
    """Print the whole configuration as YAML, with what each setting does."""
    if markdown:
        click.echo(table(RunConfig), nl=False)
        return
    try:
        click.echo(write_text(local_config(os.environ, _given(settings, file))), nl=False)
    except ValueError as error:
        _fail(error)


def _without_state(config: RunConfig, console: Console) -> int:
    error = f"`STATE_ROOT` must hold the state of earlier runs. Received: {config.state_root}."
    console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
    return 1


def _run(name: str, body: Body, settings: Sequence[str], file: str | None, alone: bool = True) -> None:
    try:
        given = _given(settings, file)
        _check_make(os.environ)
    except ValueError as error:
        _fail(error)
    sys.exit(run_command(name, body, os.environ, given, alone))


def _fail(error: ValueError) -> None:
    click.echo("\n".join(f"Error: {line}" for line in str(error).splitlines()), err=True)
    sys.exit(1)


def _given(settings: Sequence[str], file: str | None) -> dict[str, str]:
    given = {}
    for one in settings:
        name, equals, value = one.partition("=")
        if not equals:
            raise ValueError(f"A setting must be given as NAME=VALUE. Received: {one!r}.")
        given[name.upper()] = value
    return given | ({CONFIG: file} if file else {})


def _check_make(environment: Mapping[str, str]) -> None:
    """Raises SettingError if make was given a variable that is no setting."""
    known = {name.upper() for name in catalogue(RunConfig)}
    wrong = [
        name for name in environment.get(MAKE_GIVEN, "").split() if name in environment and name not in known | _OF_TARGETS
    ]
    if wrong:
        raise SettingError(unknown_setting(name, known) for name in wrong)


if __name__ == "__main__":
    main()
