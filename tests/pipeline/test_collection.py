"""How often garbage is looked for in a process that runs nodes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What is registered first is called last.
CODE = """
import atexit, gc
frozen = gc.get_freeze_count()
atexit.register(lambda: print(gc.get_freeze_count() > frozen))
from pipeline.collection import collect_rarely
collect_rarely()
print(gc.isenabled(), gc.get_threshold()[0] > 700, gc.get_threshold()[1:] == (10, 10))
"""


def test_garbage_is_looked_for_rarely_and_not_at_the_exit() -> None:
    run = subprocess.run([sys.executable, "-c", CODE], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["True True True", "True"]
