"""The command line of the schedule."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from pathlib import Path

from kubeflow.schedule.errors import UsageError

PIPELINE = "community-din"
_PACKAGE = Path("build/community-din.yaml")
_INGEST_PACKAGE = Path("build/community-din-ingest.yaml")

_DESCRIPTION = """\
Schedules the pipeline on Kubeflow Pipelines 2: uploads the compiled package, makes its recurring run, back-fills past spans,
and follows single runs. Each command may be repeated: what is there already is left as it is.
"""
_EPILOG = """\
exit status: 0 done; 1 a run failed; 2 an argument cannot be used (the cron too); 3 the server does not answer; 4 it is of
another version; 5 it refuses the caller; 6 it has nothing of that name; 7 it refuses the request; 8 a run had not ended in
time; 130 interrupted
"""


def parser(environment: Mapping[str, str] = os.environ) -> argparse.ArgumentParser:
    """The parser; the namespace's `command` is the sub-command's name.

    Args:
        environment: Where defaults come from: KF_PIPELINES_NAMESPACE, KF_PIPELINES_TOKEN, KF_PIPELINES_COOKIES,
            KF_PIPELINES_UI_ENDPOINT and CRON_SCHEDULE_TIMEZONE, beside those that kfp.Client reads itself.
    """
    top = argparse.ArgumentParser(
        prog="python -m kubeflow.schedule",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    server, source, ingestion, run, named, zone, patience = (
        _server(environment),
        _source(_PACKAGE, PIPELINE),
        _source(_INGEST_PACKAGE, f"{PIPELINE}-ingest"),
        _run(),
        _named(),
        _zone(environment),
        _patience(),
    )
    commands.add_parser("upload", parents=[server, source], help="upload the package as a new version of its pipeline")
    create = commands.add_parser(
        "create",
        parents=[server, source, run, named, zone, patience],
        help="upload, and create or replace the recurring run",
    )
    create.add_argument("--cron", required=True, help="six fields, seconds first: '0 0 3 * * *' is 03:00:00 each day")
    create.add_argument("--max-concurrency", type=int, default=1, help="runs of it at a time, 1 to 10 (%(default)s)")
    create.add_argument("--catch-up", action="store_true", help="run for each time that passed while it was paused")
    state = create.add_mutually_exclusive_group()
    state.add_argument("--paused", dest="enabled", action="store_false", default=None, help="leave it paused")
    state.add_argument("--resumed", dest="enabled", action="store_true", help="resume it if it is paused")
    single = commands.add_parser("run", parents=[server, source, run, patience], help="run once and wait")
    single.add_argument("--run-name", help="default: the pipeline's name and the time")
    single.add_argument("--no-wait", action="store_true", help="do not wait for its end")
    back = commands.add_parser(
        "backfill", parents=[server, source, run, patience], help="run once for each past span, in order"
    )
    _add_spans(back)
    ingest = commands.add_parser(
        "ingest", parents=[server, ingestion, run, patience], help="take past spans in, in order, without training on them"
    )
    _add_spans(ingest)
    commands.add_parser("pause", parents=[server, named], help="start no more runs; those under way go on")
    commands.add_parser("resume", parents=[server, named], help="start runs again")
    commands.add_parser(
        "delete", parents=[server, named, patience], help="delete the recurring run; its runs stay and go on"
    )
    commands.add_parser("list", parents=[server, zone], help="list the recurring runs and when they run next")
    times = commands.add_parser("next", parents=[zone], help="check a cron expression and print its next times")
    times.add_argument("cron")
    times.add_argument("--count", type=int, default=3, help="(%(default)s)")
    return top


def _add_spans(command: argparse.ArgumentParser) -> None:
    """The options of what runs once for each span."""
    command.add_argument("--spans", required=True, help="FROM..TO, days or numbers, both included; or a list: 3,4,7")
    command.add_argument("--span-parameter", default="span", help="the pipeline's parameter that takes it (%(default)s)")
    command.add_argument(
        "--run-name", help="each run's is followed by its span; with an earlier back-fill's, what is done is not done again"
    )
    command.add_argument("--keep-going", action="store_true", help="go on with the next span when a run fails")


def assignments(texts: list[str]) -> dict[str, str]:
    """The parameters given as NAME=VALUE. Raises UsageError if one is not, or is given twice."""
    values: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name or name in values:
            raise UsageError(f"`--parameter` must be NAME=VALUE, each name once. Received: {text!r}.")
        values[name] = value
    return values


def _server(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    group = parent.add_argument_group(
        "server", "as kfp.Client; without --host KF_PIPELINES_ENDPOINT, then the cluster's own"
    )
    get = environment.get
    group.add_argument("--host", metavar="URL", help="the API, e.g. http://localhost:8080/pipeline")
    group.add_argument("--namespace", default=get("KF_PIPELINES_NAMESPACE"), help="the profile's, on a server of many users")
    # Secrets come by file or environment: an argument is there for all to see.
    group.add_argument(
        "--token-file",
        type=Path,
        help="holds a bearer token, read anew for each request; else the variable KF_PIPELINES_TOKEN",
    )
    group.add_argument(
        "--cookies-file",
        type=Path,
        help="holds a session's cookie, read anew for each request; else the variable KF_PIPELINES_COOKIES",
    )
    group.add_argument(
        "--service-account-token",
        metavar="FILE",
        nargs="?",
        const="",
        help="a projected service account token, read anew for each request; FILE: else KF_PIPELINES_SA_TOKEN_PATH",
    )
    group.add_argument("--client-id", help="Identity-Aware Proxy (else KF_PIPELINES_IAP_OAUTH2_CLIENT_ID)")
    group.add_argument("--other-client-id", help="Identity-Aware Proxy (else KF_PIPELINES_APP_OAUTH2_CLIENT_ID)")
    group.add_argument("--proxy", metavar="URL", help="an HTTP proxy")
    group.add_argument("--ssl-ca-cert", metavar="FILE", help="the authorities to trust")
    group.add_argument("--no-verify-ssl", action="store_true", help="trust any certificate")
    group.add_argument("--kube-context", help="a context of the kube configuration")
    return parent


def _source(package: Path, pipeline: str) -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    group = parent.add_argument_group("pipeline")
    group.add_argument("--package", type=Path, default=package, help="the compiled package (%(default)s)")
    group.add_argument("--description", help="of the uploaded version")
    group.add_argument("--version", metavar="NAME", help="use this version, which is on the server, instead of a package")
    group.add_argument("--pipeline", default=pipeline, help="the pipeline of --version (%(default)s)")
    return parent


def _run() -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    group = parent.add_argument_group("run")
    group.add_argument("--experiment", default=PIPELINE, help="made if it is not there (%(default)s)")
    group.add_argument(
        "--parameter", metavar="NAME=VALUE", action="append", default=[], help="a pipeline parameter; may be repeated"
    )
    group.add_argument("--pipeline-root", help="where KFP keeps its own artifacts; default: the server's")
    group.add_argument("--service-account", help="of the steps; default: the server's")
    return parent


def _named() -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--name", default=PIPELINE, help="the recurring run's name (%(default)s)")
    return parent


def _zone(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--server-time-zone",
        metavar="ZONE",
        default=environment.get("CRON_SCHEDULE_TIMEZONE") or "UTC",
        help="what CRON_SCHEDULE_TIMEZONE is on the server; this only says it, and does not set it (%(default)s)",
    )
    return parent


def _patience() -> argparse.ArgumentParser:
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--poll", metavar="SECONDS", type=float, default=10.0, help="between two looks at a run (%(default)s)"
    )
    parent.add_argument("--timeout", metavar="SECONDS", type=float, help="stop waiting for a run then (it goes on)")
    return parent
