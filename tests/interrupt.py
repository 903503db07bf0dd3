"""Processes that can be interrupted: children of a shell's background job ignore SIGINT, and pass that on."""

from __future__ import annotations

import signal


def heed_interrupts() -> None:
    """What `preexec_fn` of a process calls that a test sends SIGINT to."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
