"""Runs a command that ends when the process that asked for it does: `python tied.py PARENT COMMAND...`.

A process that is killed ends none of those that it has started. Linux does, if they ask for it; the request survives the
exec. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: str, *command: str) -> None:
    """Becomes the command, unless the parent is gone already."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) must work for a server to end with this process.")
    if os.getppid() == int(parent):
        os.execvp(command[0], command)


if __name__ == "__main__":
    main(*sys.argv[1:])
