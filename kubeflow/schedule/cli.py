"""The schedule's command: its arguments, its exit status, and what it says if something is wrong."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from kubeflow.schedule.arguments import parser
from kubeflow.schedule.errors import ScheduleError

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None, environment: Mapping[str, str] = os.environ) -> int:
    """Runs the command and returns its exit status; what went wrong is said on standard error."""
    words = sys.argv[1:] if argv is None else list(argv)
    arguments = parser(environment).parse_args(words)
    arguments.words = words
    try:
        from kubeflow.schedule.commands import COMMANDS  # kfp takes a second to import: --help should not wait for it

        COMMANDS[arguments.command](arguments, environment)
    except ScheduleError as error:
        print(f"Error: {error}", file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("Interrupted. A run that was started goes on.", file=sys.stderr)
        return _INTERRUPTED
    return 0
