"""Runs of the pipeline through the real `tfx` commands, in a temporary folder."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAME = "community-din"


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
        """Runs a `tfx` command with settings in its environment."""
        run = subprocess.run(
            ["tfx", *arguments],
            env=self.environment(**settings),
            cwd=self.state,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        print(run.stdout)
        return Outcome(run.returncode, run.stdout)

    def run(self, **settings: str) -> Outcome:
        """`tfx pipeline create`, if there is none yet, and `tfx run create`."""
        engine = settings.get("ENGINE", "local")
        if not (self.state / "tfx" / engine / NAME).exists():
            path = str(ROOT / "local_runner.py")
            created = self.tfx("pipeline", "create", f"--engine={engine}", f"--pipeline_path={path}", **settings)
            if created.status:
                return created
        return self.tfx("run", "create", f"--engine={engine}", f"--pipeline_name={NAME}", **settings)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return Workspace(tmp_path_factory.mktemp("state"))
