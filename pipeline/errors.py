"""How a node's failure is told to people."""

from __future__ import annotations

import re


class NodeError(RuntimeError):
    """A node failed. `node` is its id and the message the cause, in a line or two."""

    def __init__(self, node: str, cause: str) -> None:
        super().__init__(f"{node}: {cause}")
        self.node = node
        self.cause = cause


def cause_of(error: BaseException) -> str:
    """The first lines of the innermost error, without Beam's notes on where it was running."""
    while error.__cause__ is not None and not isinstance(error, NodeError):
        error = error.__cause__
    text = re.sub(r"\s*\[while running .*?\]\s*$", "", str(error), flags=re.DOTALL).strip()
    lines = [line for line in text.splitlines() if line.strip()][:2]
    return "\n".join(lines) or type(error).__name__
