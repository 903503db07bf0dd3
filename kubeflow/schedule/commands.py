"""What each sub-command of the schedule does, and what it prints."""

from __future__ import annotations

import argparse
import datetime
import functools
import itertools
import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubeflow.schedule import runs
from kubeflow.schedule.arguments import assignments
from kubeflow.schedule.backfill import backfill
from kubeflow.schedule.connection import Connection, Server
from kubeflow.schedule.cron import Cron
from kubeflow.schedule.errors import UsageError
from kubeflow.schedule.package import PackageFile
from kubeflow.schedule.pipelines import Version, experiment_id, find_version, upload, version_name
from kubeflow.schedule.recurring import RecurringRun, RecurringRuns, is_enabled
from kubeflow.schedule.spans import spans_of

_NEXT_TIMES = 3


def _upload(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    if arguments.version:
        raise UsageError("`upload` takes a package. Received: --version.")
    file = PackageFile.read(arguments.package)
    _upload_package(_server(arguments, environment), file, arguments.description)


def _create(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    cron, zone, patience = Cron.parse(arguments.cron), _zone(arguments), _patience(arguments)
    if not 1 <= arguments.max_concurrency <= 10:
        raise UsageError(f"`--max-concurrency` must be from 1 to 10. Received: {arguments.max_concurrency}.")
    server, version = _server_and_version(arguments, environment)
    wanted = RecurringRun(
        arguments.name,
        experiment_id(server, arguments.experiment),
        version,
        cron.expression,
        version.package.values(assignments(arguments.parameter)),
        arguments.max_concurrency,
        arguments.catch_up,
        arguments.pipeline_root,
        arguments.service_account,
    )
    applied = RecurringRuns(server).apply(wanted, arguments.enabled, patience, _report)
    state = "enabled" if applied.enabled else "paused; `resume` starts it"
    print(f"recurring run {arguments.name!r} {applied.action}: {applied.recurring_run_id}, {state}")
    print(server.link(f"recurringrun/details/{applied.recurring_run_id}"))
    if applied.enabled:
        _print_times(cron, zone, _NEXT_TIMES)


def _run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    patience = _patience(arguments)
    server, run = _server_and_run(arguments, environment)
    run_id = runs.start(server, run)
    _report(f"run {run.name!r}: {server.link(f'runs/details/{run_id}')}")
    if not arguments.no_wait:
        runs.wait(server, run_id, run.version.package.steps, patience, _report)


def _backfill(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    spans, patience = spans_of(arguments.spans), _patience(arguments)
    if any(text.partition("=")[0] == arguments.span_parameter for text in arguments.parameter):
        raise UsageError(f"`--parameter` must not give the span of a back-fill. Received: {arguments.span_parameter}.")
    # The first span stands for all: the server is not asked before the parameters are known to fit.
    arguments.parameter = [*arguments.parameter, f"{arguments.span_parameter}={spans[0]}"]
    server, run = _server_and_run(arguments, environment)
    backfill(
        server,
        run,
        arguments.span_parameter,
        spans,
        keep_going=arguments.keep_going,
        patience=patience,
        report=_report,
        command=functools.partial(_rest, arguments.words, run.name),
    )


def _rest(words: list[str], run_name: str, spans: list[str]) -> str:
    """The command that does the rest of a back-fill: as it was given, for these spans, and with the names of its runs."""
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        option, equals, _ = word.partition("=")
        if option not in ("--spans", "--run-name"):
            kept.append(word)
        elif not equals:
            next(rest)
    return shlex.join(["python", "-m", "kubeflow.schedule", *kept, "--spans", ",".join(spans), "--run-name", run_name])


def _pause(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    changed = RecurringRuns(_server(arguments, environment)).switch(arguments.name, enabled=False)
    print(f"recurring run {arguments.name!r} {'paused' if changed else 'was paused already'}")


def _resume(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    changed = RecurringRuns(_server(arguments, environment)).switch(arguments.name, enabled=True)
    print(f"recurring run {arguments.name!r} {'resumed' if changed else 'was enabled already'}")


def _delete(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    patience = _patience(arguments)
    RecurringRuns(_server(arguments, environment)).delete(arguments.name, patience, _report)
    print(f"recurring run {arguments.name!r} deleted")


def _list(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    zone, server = _zone(arguments), _server(arguments, environment)
    found = RecurringRuns(server).find()
    if not found:
        print("no recurring runs")
    for run in found:
        expression = run.trigger.cron_schedule.cron if run.trigger and run.trigger.cron_schedule else None
        parameters = (run.runtime_config and run.runtime_config.parameters) or {}
        print(f"{run.display_name}: {'enabled' if is_enabled(run) else 'paused'}, cron {expression or 'none'}")
        print(f"  id {run.recurring_run_id}, {version_name(server, run)}, max concurrency {run.max_concurrency}")
        print(f"  catch-up {'off' if run.no_catchup else 'on'}, parameters {parameters or 'as in the package'}")
        if expression and is_enabled(run):
            try:
                _print_times(Cron.parse(expression), zone, 1)
            except UsageError as error:
                print(f"  made by other means: {error}")


def _next(arguments: argparse.Namespace, environment: Mapping[str, str]) -> None:
    if arguments.count < 1:
        raise UsageError(f"`--count` must be positive. Received: {arguments.count}.")
    _print_times(Cron.parse(arguments.cron), _zone(arguments), arguments.count)


COMMANDS: dict[str, Callable[[argparse.Namespace, Mapping[str, str]], None]] = {
    "upload": _upload,
    "create": _create,
    "run": _run,
    "backfill": _backfill,
    "ingest": _backfill,
    "pause": _pause,
    "resume": _resume,
    "delete": _delete,
    "list": _list,
    "next": _next,
}


def _server(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Server:
    given = _readable(arguments.token_file, "--token-file")
    token_file = arguments.service_account_token if given is None else str(given)
    server = Server(
        Connection(
            host=arguments.host,
            namespace=arguments.namespace,
            ui_host=environment.get("KF_PIPELINES_UI_ENDPOINT") or None,
            existing_token=None if token_file is not None else environment.get("KF_PIPELINES_TOKEN") or None,
            token_file=token_file,
            cookies=environment.get("KF_PIPELINES_COOKIES") or None,
            cookies_file=_readable(arguments.cookies_file, "--cookies-file"),
            client_id=arguments.client_id,
            other_client_id=arguments.other_client_id,
            proxy=arguments.proxy,
            ssl_ca_cert=arguments.ssl_ca_cert,
            kube_context=arguments.kube_context,
            verify_ssl=not arguments.no_verify_ssl,
        )
    )
    if server.warning:
        print(f"Warning: {server.warning}", file=sys.stderr)
    return server


def _readable(file: Path | None, option: str) -> Path | None:
    if file is not None:
        try:
            file.read_text()
        except OSError as error:
            raise UsageError(f"`{option}` must be a file that can be read. Received: {error}.") from error
    return file


def _server_and_version(arguments: argparse.Namespace, environment: Mapping[str, str]) -> tuple[Server, Version]:
    if arguments.version:
        server = _server(arguments, environment)
        return server, find_version(server, arguments.pipeline, arguments.version)
    file = PackageFile.read(arguments.package)
    # Found out before anything is changed on the server.
    file.package.values(assignments(arguments.parameter))
    server = _server(arguments, environment)
    return server, _upload_package(server, file, arguments.description)


def _upload_package(server: Server, file: PackageFile, description: str | None) -> Version:
    version, uploaded = upload(server, file, description)
    print(f"version {version.name} {'uploaded' if uploaded else 'is there already'}: {version.version_id}")
    return version


def _server_and_run(arguments: argparse.Namespace, environment: Mapping[str, str]) -> tuple[Server, runs.Run]:
    server, version = _server_and_version(arguments, environment)
    name = getattr(arguments, "run_name", None) or f"{version.package.name} {datetime.datetime.now():%Y-%m-%d %H:%M:%S}"
    run = runs.Run(
        name,
        experiment_id(server, arguments.experiment),
        version,
        version.package.values(assignments(arguments.parameter)),
        arguments.pipeline_root,
        arguments.service_account,
    )
    return server, run


def _patience(arguments: argparse.Namespace) -> runs.Patience:
    for name in ("poll", "timeout"):
        value = getattr(arguments, name)
        if value is not None and value <= 0:
            raise UsageError(f"`--{name}` must be positive. Received: {value}.")
    return runs.Patience(arguments.poll, arguments.timeout)


def _zone(arguments: argparse.Namespace) -> ZoneInfo:
    try:
        return ZoneInfo(arguments.server_time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"`--server-time-zone` must be a time zone, e.g. Europe/Berlin. Received: {arguments.server_time_zone!r}."
        ) from error


def _print_times(cron: Cron, zone: ZoneInfo, count: int) -> None:
    print(f"  {cron.expression} is read in {zone.key}, the server's time zone (CRON_SCHEDULE_TIMEZONE there); next:")
    for time in itertools.islice(cron.times(datetime.datetime.now(datetime.UTC), zone), count):
        print(f"  {time:%Y-%m-%d %H:%M:%S} UTC = {time.astimezone():%Y-%m-%d %H:%M:%S %Z} here")


def _report(line: str) -> None:
    print(f"{datetime.datetime.now():%H:%M:%S} {line}", flush=True)
