"""What a person can do next, in the words of the place where the run was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.config import RunConfig


@dataclass(frozen=True)
class Advice:
    """The commands that fit where the run was made.

    Args:
        serve: What comes after a publication.
        take_in: What takes spans in that a window lacks; `{spans}` stands for their names, separated by commas.
    """

    serve: str
    take_in: str

    def to_take_in(self, spans: Sequence[str]) -> str:
        """What takes these spans in."""
        return self.take_in.format(spans=",".join(spans))


def on_this_machine(config: RunConfig) -> Advice:
    """The Makefile's commands."""
    return Advice(f"make serve STATE_ROOT={config.state_root}", "`make ingest SPANS={spans}` takes them in")


def on_kubeflow() -> Advice:
    """The schedule's commands, by the runbook in kubeflow/."""
    return Advice(
        "the model servers load it by themselves; to take it back: kubeflow/README.md, Roll back",
        "`python -m kubeflow.schedule ingest --spans {spans}` takes them in",
    )
