"""Runs a model for a request: directly, or through a batcher."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from serving.server.saved_model import SavedModel
from serving.server.tensors import Array


class Runner(Protocol):
    """What the services ask to run a model."""

    def run(self, model: SavedModel, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        """Returns the outputs by tensor name for inputs by tensor name; raises ServingError."""
        ...


class DirectRunner:
    """Runs each request by itself, in the thread that asks."""

    def run(self, model: SavedModel, inputs: Mapping[str, Array], outputs: Sequence[str]) -> dict[str, Array]:
        return model.run(inputs, outputs)
