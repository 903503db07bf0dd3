"""TFX's launcher with a display: shows each node, and fails loudly where TFX would go on silently."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any
from unittest import mock

from tfx.orchestration.portable import data_types, launcher

from pipeline.beam_construction import quick_construction
from pipeline.display import CACHED, DONE, DetailHandler, Display, NodeLine
from pipeline.errors import NodeError, cause_of
from pipeline.pipeline import TASKS
from trainer.progress import LOGGER


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
            with display.node(node, TASKS.get(node, "")) as line, _training_on(line):
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

    with mock.patch.object(launcher, "Launcher", DisplayedLauncher), quick_construction():
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
