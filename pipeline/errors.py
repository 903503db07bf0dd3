"""How a node's failure is told to people."""

from __future__ import annotations

import re

# A rejected file's message tells of five rules with three examples each.
_LINES = 24


class NodeError(RuntimeError):
    """A node failed. `node` is its id and the message the cause, in a line or two."""

    def __init__(self, node: str, cause: str) -> None:
        super().__init__(f"{node}: {cause}")
        self.node = node
        self.cause = cause


def cause_of(error: BaseException) -> str:
    """The innermost error's message, without Beam's notes on where it was running; a long one is cut."""
    while error.__cause__ is not None and not isinstance(error, NodeError):
        error = error.__cause__
    text = re.sub(r"\s*\[while running .*?\]\s*$", "", str(error), flags=re.DOTALL).strip()
    lines = [line for line in text.splitlines() if line.strip()][:_LINES]
    return "\n".join(lines) or type(error).__name__
