"""How a node's failure is told to people."""

from __future__ import annotations

import re

# A rejected file's message tells of five rules with three examples each.
_LINES = 24
_TRACEBACK = "Traceback (most recent call last):"
_FRAMES = re.compile(r"\A(\s*\n| .*\n)*")


class NodeError(RuntimeError):
    """A node failed. `node` is its id and the message the cause, in a line or two."""

    def __init__(self, node: str, cause: str) -> None:
        super().__init__(f"{node}: {cause}")
        self.node = node
        self.cause = cause


def cause_of(error: BaseException) -> str:
    """The innermost error's message, without Beam's notes on where it was running; a long one is cut.

    Of a worker elsewhere Beam has the traceback as a text: its error is what stands at its end.
    """
    while error.__cause__ is not None and not isinstance(error, NodeError):
        error = error.__cause__
    told = str(error).rpartition(_TRACEBACK)[2]
    if told != str(error):
        told = _FRAMES.sub("", told)
    text = re.sub(r"\s*\[while running .*?\]\s*$", "", told, flags=re.DOTALL).strip()
    lines = [line for line in text.splitlines() if line.strip()][:_LINES]
    return "\n".join(lines) or type(error).__name__
