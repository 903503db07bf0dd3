"""A forked command is as one that is started, but for its imports."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests import zygote

pytestmark = pytest.mark.end_to_end

CODE = """
import os, sys, time
import tfx, own
print(sys.argv[1:], os.getcwd(), dict(os.environ), own.NAME, os.getpgid(0) == os.getpid())
print("an error", file=sys.stderr)
if sys.argv[1:] == ["sleep"]:
    time.sleep(1000)
sys.exit(3)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a script, the module that it imports, and a package of the same."""
    for folder in (tmp_path / "scripts", tmp_path / "package"):
        folder.mkdir()
    (tmp_path / "scripts" / "script.py").write_text(CODE)
    (tmp_path / "scripts" / "own.py").write_text("NAME = 'beside the script'")
    (tmp_path / "package" / "script.py").write_text(CODE)
    (tmp_path / "own.py").write_text("NAME = 'in the working directory'")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "name"),
    [(["scripts/script.py"], "beside the script"), (["-m", "package.script"], "in the working directory")],
)
def test_it_has_its_own_arguments_environment_folder_group_and_status(project: Path, command: list[str], name: str) -> None:
    ended = zygote.run([sys.executable, *command, "a", "b c"], {"ONLY": "this"}, project)
    assert ended.stdout == f"['a', 'b c'] {project} {{'ONLY': 'this'}} {name} True\n"
    assert ended.stderr == "an error\n"
    assert ended.returncode == 3


def test_it_can_be_killed_and_others_go_on(project: Path) -> None:
    sleeping = zygote.start([sys.executable, "scripts/script.py", "sleep"], {}, project)
    assert zygote.run([sys.executable, "scripts/script.py"], {}, project).returncode == 3
    assert sleeping.poll() is None
    os.killpg(sleeping.pid, signal.SIGKILL)
    assert sleeping.communicate()[1] in ("", "an error\n")
    assert sleeping.poll() == -signal.SIGKILL


def test_it_ends_as_the_interpreter_does(project: Path) -> None:
    (project / "end.py").write_text("import atexit\natexit.register(print, 'last')\nraise ValueError('bad')")
    ended = zygote.run([sys.executable, "end.py"], {}, project)
    assert (ended.returncode, ended.stdout) == (1, "last\n")
    assert ended.stderr.endswith("ValueError: bad\n")


def test_libraries_are_there_at_once(project: Path) -> None:
    """In CPU seconds of the command, since other work may be going on."""
    (project / "times.py").write_text("import tfx.v1, tensorflow_model_analysis, time\nprint(time.process_time())")
    zygote.run([sys.executable, "times.py"], {}, project)
    assert float(zygote.run([sys.executable, "times.py"], {}, project).stdout) < 2
