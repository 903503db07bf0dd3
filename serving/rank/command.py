"""Ranks candidates for a user on a model server, and prints them best first.

    python -m serving.rank --user user.json --candidates candidates.csv

The exit status is 0 with a ranking, 2 if the arguments or files cannot be used, and 1 if the server did not rank.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console

from serving.client import TLS, InvalidRequestError, Ranking, RankingClient, RankingError
from serving.client.ranking_client import MODEL_NAME
from serving.rank.files import InvalidFileError, Row, read_candidates, read_user
from serving.rank.output import as_json, table
from transform.features import DECLARATION

_FILE_WIDTH = 120
_PORTS = {"grpc": 8500, "rest": 8501}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m serving.rank",
        description=(__doc__ or "").splitlines()[0],
        epilog="Exit status: 0 with a ranking, 2 if the arguments or files cannot be used, 1 if the server did not rank.",
    )
    parser.add_argument("--user", type=Path, required=True, help="a JSON object or a CSV of one row: the user's columns")
    parser.add_argument("--candidates", type=Path, required=True, help="a JSON list or a CSV: the candidates' columns")
    parser.add_argument("--id", metavar="COLUMN", help="a column of the candidates to show, which the model does not know")
    parser.add_argument("--explain", action="store_true", help="show which entries of the user's history counted")
    parser.add_argument("--past", type=int, default=3, help="how many of them, beside each item (%(default)s)")
    parser.add_argument("--top", type=int, help="show only so many items")
    parser.add_argument("--json", action="store_true", help="print JSON, for scripts")
    server = parser.add_argument_group("server")
    server.add_argument("--server", metavar="HOST:PORT", help="default: localhost, at port 8500, or 8501 with --rest")
    server.add_argument("--rest", action="store_true", help="speak REST instead of gRPC")
    server.add_argument("--model-name", default=MODEL_NAME, help="(%(default)s)")
    server.add_argument("--model-version", type=int, help="default: the latest one served")
    server.add_argument("--version-label", help="the label of the version to ask, such as stable or canary")
    server.add_argument("--deadline", type=float, default=30.0, help="seconds, all attempts together (%(default)s)")
    server.add_argument("--attempts", type=int, default=3, help="if the server is unavailable or full (%(default)s)")
    tls = parser.add_argument_group("TLS, PEM files")
    tls.add_argument("--tls", action="store_true", help="encrypt, trusting the usual authorities")
    tls.add_argument("--authorities", metavar="FILE", help="the authorities to trust instead")
    tls.add_argument("--certificate", metavar="FILE", help="this client's, for a server that asks for one")
    tls.add_argument("--key", metavar="FILE", help="its private key")
    return parser


def _client(arguments: argparse.Namespace) -> RankingClient:
    transport: Literal["grpc", "rest"] = "rest" if arguments.rest else "grpc"
    files = (arguments.authorities, arguments.certificate, arguments.key)
    return RankingClient(
        arguments.server or f"localhost:{_PORTS[transport]}",
        arguments.model_name,
        version=arguments.model_version,
        version_label=arguments.version_label,
        transport=transport,
        deadline=arguments.deadline,
        attempts=arguments.attempts,
        tls=TLS(*files) if arguments.tls or any(files) else None,
    )


def _ranking(arguments: argparse.Namespace, user: Row, candidates: list[Row]) -> Ranking:
    with _client(arguments) as client:
        return client.explain(user, candidates) if arguments.explain else client.rank(user, candidates)


def _without(candidates: list[Row], column: str | None) -> list[Row]:
    if column is None:
        return candidates
    if column in DECLARATION.serving_columns:
        raise InvalidRequestError(f"`--id` must name a column that the model does not know. Received: {column!r}.")
    for position, candidate in enumerate(candidates):
        if column not in candidate:
            raise InvalidRequestError(f"Candidate {position} must have the column of `--id`. Missing: {column!r}.")
    return [{name: value for name, value in candidate.items() if name != column} for candidate in candidates]


def _print(arguments: argparse.Namespace, ranking: Ranking) -> None:
    items = ranking.items[: arguments.top]
    if arguments.json:
        print(as_json(ranking, items, arguments.past))
        return
    console = Console()
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    columns = [*([arguments.id] if arguments.id else []), *DECLARATION.side_columns("item")]
    console.print(table(ranking, items, columns, arguments.past))


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command. Returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    for name in ("past", "top"):
        if (value := getattr(arguments, name)) is not None and value < 1:
            parser.error(f"`--{name}` must be positive. Received: {value}.")
    try:
        user, given = read_user(arguments.user), read_candidates(arguments.candidates)
        ranking = _ranking(arguments, user, _without(given, arguments.id))
    except (InvalidFileError, InvalidRequestError, ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except RankingError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    _print(arguments, dataclasses.replace(ranking, candidates=tuple(given)))
    return 0
