"""TFX's launcher with a display: shows each node, and fails loudly where TFX would go on silently."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from typing import Any
from unittest import mock

from tfx.orchestration.portable import data_types, launcher

from pipeline.display import CACHED, DONE, DetailHandler, Display, NodeLine
from pipeline.pipeline import NODES
from trainer.progress import LOGGER

# A rejected file's message tells of five rules with three examples each.
_LINES = 24


class NodeError(RuntimeError):
    """A node failed. `node` is its id and the message the cause, in a line or two."""

    def __init__(self, node: str, cause: str) -> None:
        super().__init__(f"{node}: {cause}")
        self.node = node
        self.cause = cause


@contextlib.contextmanager
def displayed(display: Display) -> Iterator[set[str]]:
    """Within the block, TFX's runners show their nodes on `display`.

    TFX's local and Beam runners offer no hook around a node; both make their launchers from this one class.

    Yields:
        The run's id, once its first node was launched; nothing if the runner was told not to run (`tfx pipeline create`).
    """
    run_ids: set[str] = set()

    class DisplayedLauncher(launcher.Launcher):
        def launch(self) -> data_types.ExecutionInfo | None:
            node = self._pipeline_node.node_info.id
            run_ids.add(self._pipeline_runtime_spec.pipeline_run_id.field_value.string_value)
            with display.node(node, NODES.get(node, "")) as line, _training_on(line):
                try:
                    info = super().launch()
                except Exception as error:
                    logging.getLogger(__name__).exception("Node %s failed.", node)
                    raise NodeError(node, cause_of(error)) from error
                line.finish(self._outcome(node))
            return info

        def _prepare_execution(self) -> Any:
            self._prepared = super()._prepare_execution()
            return self._prepared

        def _outcome(self, node: str) -> str:
            prepared = getattr(self, "_prepared", None)
            if prepared is None or prepared.is_execution_needed:
                return DONE
            if prepared.execution_metadata is None:
                # TFX only logs that a node's inputs could not be resolved, and goes on with the next node.
                raise NodeError(node, "its inputs could not be resolved; an earlier run may have been interrupted.")
            return CACHED

    with mock.patch.object(launcher, "Launcher", DisplayedLauncher):
        yield run_ids


@contextlib.contextmanager
def _training_on(line: NodeLine) -> Iterator[None]:
    logger, handler = logging.getLogger(LOGGER), DetailHandler(line)
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def cause_of(error: BaseException) -> str:
    """The innermost error's message, without Beam's notes on where it was running; a long one is cut."""
    while error.__cause__ is not None and not isinstance(error, NodeError):
        error = error.__cause__
    text = re.sub(r"\s*\[while running .*?\]\s*$", "", str(error), flags=re.DOTALL).strip()
    lines = [line for line in text.splitlines() if line.strip()][:_LINES]
    return "\n".join(lines) or type(error).__name__
