"""What a person sees: lines of nodes, and nothing of the libraries."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from pipeline.display import CACHED, DONE, Display

ROOT = Path(__file__).parents[2]

NOISY = """
import os, sys
from pathlib import Path
from pipeline.display import logged
with logged(Path(sys.argv[1])) as console:
    print("python noise")
    os.write(2, b"native noise\\n")
    console.print("for people")
print("after")
"""


def shown(terminal: bool, outcome: str) -> str:
    output = io.StringIO()
    display = Display(Console(file=output, force_terminal=terminal, width=120, color_system=None), total=2)
    with display.node("example_gen", "reads") as line:
        line.detail("half way")
        line.finish(outcome)
    return output.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_a_finished_node_has_its_number_task_time_and_outcome(terminal: bool) -> None:
    last = shown(terminal, CACHED).splitlines()[-1]
    assert "✓ [1/2] example_gen" in last
    assert "reads" in last
    assert last.rstrip().endswith("cached")
    assert " s" in last
    assert "cached" not in shown(terminal, DONE)


def test_progress_within_a_node_is_shown() -> None:
    assert "half way" in shown(terminal=False, outcome=DONE)


def test_a_failed_node_is_marked() -> None:
    output = io.StringIO()
    display = Display(Console(file=output, width=120), total=2)
    with pytest.raises(RuntimeError), display.node("trainer", "trains"):
        raise RuntimeError("diverged")
    assert "✗ [1/2] trainer" in output.getvalue()


def test_the_libraries_output_goes_to_the_log_and_the_consoles_to_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "log" / "run.log"
    run = subprocess.run(
        [sys.executable, "-c", NOISY, str(log)],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert run.stdout.split("\n") == ["for people", "after", ""]
    assert run.stderr == ""
    assert set(log.read_text().splitlines()) == {"python noise", "native noise"}
