"""The command `community-din` (also `python -m pipeline`), which the make targets call.

Settings are given as NAME=VALUE, in the environment, or in a file (`--config`, or CONFIG), in this order.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.text import Text

from pipeline.command import Body, run_command
from pipeline.config import CONFIG, RunConfig, local_config
from settings.base import SettingError, unknown_setting
from settings.catalogue import catalogue
from settings.files import write_text
from settings.reference import table

if TYPE_CHECKING:
    import ml_metadata as mlmd

# The names of the variables on make's command line; what is no setting there is a mistake.
MAKE_GIVEN = "MAKE_GIVEN"
_OF_TARGETS = frozenset(
    {"CONFIG", "ROWS", "SPANS", "DRY_RUN", "INPUT", "OUTPUT", "VERSION", "REASON", "LOG", "CLICKS", "RUN"}
)

_settings = click.argument("settings", nargs=-1, metavar="[NAME=VALUE]...")
_version = click.option("--version", type=int, envvar="VERSION", help="The number of a published version.")
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
        from pipeline.report import report as report_run

        return report_run(config, _store(config), run_id, console)

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
        from tfx.orchestration import metadata

        from pipeline.prune import prune as prune_state

        store = _store(config)
        connection = metadata.sqlite_metadata_connection_config(config.metadata_path)
        console.print(prune_state(config, connection, store, dry_run))
        return 0

    _run("prune", body, settings, file)


@main.command()
@_settings
@_file
def versions(settings: Sequence[str], file: str | None) -> None:
    """List the published versions, and which is served, compared with, or rolled back."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.versions import print_versions

        print_versions(config, _store(config), console)
        return 0

    _run("versions", body, settings, file, alone=False)


@main.command()
@_settings
@_file
@_version
@click.option("--reason", envvar="REASON", default="", help="Why; it is recorded.")
def rollback(settings: Sequence[str], file: str | None, version: int | None, reason: str) -> None:
    """Serve an earlier version's model again, and compare the next one with it.

    Without VERSION, it is the newest version of another model than the served one. What was published after it is marked: it
    is compared with nothing and published no more.
    """

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.canary import after_rollback
        from pipeline.rollback import roll_back, told

        done = roll_back(config, _store(config), version, reason)
        console.print(told(done), soft_wrap=True)
        if labels := after_rollback(config, done.as_version, done.taken_back):
            console.print(labels, soft_wrap=True)
        return 0

    _run("rollback", body, settings, file)


@main.command()
@_settings
@_file
@_version
def canary(settings: Sequence[str], file: str | None, version: int | None) -> None:
    """Label a version `canary`, by default the newest; the one that is served is `stable`."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.canary import start_canary

        console.print(start_canary(config, _store(config), version), soft_wrap=True)
        return 0

    _run("canary", body, settings, file)


@main.command()
@_settings
@_file
@_version
def promote(settings: Sequence[str], file: str | None, version: int | None) -> None:
    """Make the canary the stable version."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.canary import promote as promote_version

        console.print(promote_version(config, version), soft_wrap=True)
        return 0

    _run("promote", body, settings, file)


@main.command()
@_settings
@_file
@click.option("--log", "source", envvar="LOG", required=True, help="Logged requests: a file, a folder or a pattern.")
@click.option("--clicks", envvar="CLICKS", default="", help="A CSV of which impressions were clicked.")
@click.option("--output", "out", envvar="OUTPUT", default="", help="A file for what was found, as JSON.")
def parity(settings: Sequence[str], file: str | None, source: str, clicks: str, out: str) -> None:
    """Compare served requests with the model and its data.

    The exit status is 0 if all is well, 1 if anything alarms, and 2 if it could not be compared.
    """

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.parity.parity import compare, print_findings

        return print_findings(compare(config, _store(config), source, clicks), console, out)

    _run("parity", body, settings, file, alone=False, failure=2)


@main.command()
@_settings
@_file
@_version
def lineage(settings: Sequence[str], file: str | None, version: int | None) -> None:
    """Tell where a version comes from: its model, rows, files and settings."""

    def body(config: RunConfig, console: Console, log: Path) -> int:
        from pipeline.version_lineage import print_lineage

        print_lineage(config, _store(config), version, console)
        return 0

    _run("lineage", body, settings, file, alone=False)


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


def _run(name: str, body: Body, settings: Sequence[str], file: str | None, alone: bool = True, failure: int = 1) -> None:
    try:
        given = _given(settings, file)
        _check_make(os.environ)
    except ValueError as error:
        _fail(error, failure)
    sys.exit(run_command(name, _told(body, failure), os.environ, given, alone, failure))


def _told(body: Body, failure: int) -> Body:
    """The same, but a value that cannot be used is told, and no traceback."""

    def told(config: RunConfig, console: Console, log: Path) -> int:
        try:
            return body(config, console, log)
        except ValueError as error:
            logging.getLogger(__name__).exception("The command failed.")
            console.print(Text(f"Error: {error}", style="red"), soft_wrap=True)
            return failure

    return told


def _store(config: RunConfig) -> mlmd.MetadataStore:
    """The metadata store of the state. Raises ValueError if there is none."""
    import ml_metadata as mlmd
    from tfx.orchestration import metadata

    if not os.path.exists(config.metadata_path):
        raise ValueError(f"`STATE_ROOT` must hold the state of earlier runs. Received: {config.state_root}.")
    return mlmd.MetadataStore(metadata.sqlite_metadata_connection_config(config.metadata_path))


def _fail(error: ValueError, status: int = 1) -> None:
    click.echo("\n".join(f"Error: {line}" for line in str(error).splitlines()), err=True)
    sys.exit(status)


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
