"""How often Python looks for garbage in a process that runs nodes."""

from __future__ import annotations

import atexit
import gc

# Python's own 700 makes it look 1,500 times while TFX is imported, for modules that all stay: 2 of 9 CPU seconds.
_NEW_OBJECTS = 50_000


def collect_rarely() -> None:
    """Lets garbage collection cost little where a million objects are modules: while they are imported, and at the exit.

    At the exit Python would look through all of them twice, to end a process whose memory goes back anyway: 1 to 3 s.
    """
    gc.set_threshold(_NEW_OBJECTS, *gc.get_threshold()[1:])
    atexit.register(gc.freeze)
