"""Runs of the pipeline in a temporary folder: through the `tfx` commands once, else as what those start, forked."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests import zygote

ROOT = Path(__file__).parents[2]
NAME = "community-din"
# Settings by which any model is published, where what it learns is not asked.
NO_BOUNDS = {
    "MIN_AUC": "0",
    "MIN_GAUC": "0",
    "MAX_AUC_DROP": "1",
    "MAX_GAUC_DROP": "1",
    "MIN_GAIN_OVER_CONSTANT": "none",
    "MIN_GAIN_OVER_ITEMS": "none",
}
TFX = Path(sys.executable).parent / "tfx"


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a command ended, and what it printed."""

    status: int
    output: str


@dataclasses.dataclass(frozen=True)
class Workspace:
    """A folder that holds a pipeline's state."""

    state: Path

    @property
    def versions(self) -> list[Path]:
        """The published versions, oldest first."""
        return sorted((self.state / "serving" / NAME).glob("*"))

    def environment(self, **settings: str) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in ("ENGINE", "PYTHONDONTWRITEBYTECODE")}
        return inherited | {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "STATE_ROOT": str(self.state),
            "LOCAL_HOME": str(self.state / "tfx" / "local"),
            "BEAM_HOME": str(self.state / "tfx" / "beam"),
            **settings,
        }

    def tfx(self, *arguments: str, **settings: str) -> Outcome:
        """Runs a `tfx` command with settings in its environment. What it starts in its turn is not forked."""
        return self._forked([str(TFX), *arguments], self.state, settings)

    def tfx_run(self, **settings: str) -> Outcome:
        """`tfx pipeline create`, if there is none yet, and `tfx run create`."""
        engine = settings.get("ENGINE", "local")
        if not (self.state / "tfx" / engine / NAME).exists():
            path = str(ROOT / "local_runner.py")
            created = self.tfx("pipeline", "create", f"--engine={engine}", f"--pipeline_path={path}", **settings)
            if created.status:
                return created
        return self.tfx("run", "create", f"--engine={engine}", f"--pipeline_name={NAME}", **settings)

    def run(self, **settings: str) -> Outcome:
        """What `tfx run create` starts."""
        return self.python(str(ROOT / "local_runner.py"), **settings)

    def python(self, *arguments: str, **settings: str) -> Outcome:
        """Runs a Python command of the project: a file, or `-m` and a module, and arguments."""
        return self._forked(arguments, ROOT, settings)

    def _forked(self, arguments: Sequence[str], folder: Path, settings: Mapping[str, str]) -> Outcome:
        ended = zygote.run([sys.executable, *arguments], self.environment(**settings), folder)
        output = ended.stdout + ended.stderr
        print(output)
        return Outcome(ended.returncode, output)


def cached_nodes(outcome: Outcome) -> set[str]:
    """The nodes whose line says that they came from the cache."""
    return set(re.findall(r"✓ \[\d+/\d+\] (\w+) .* cached", outcome.output))


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("state"))
