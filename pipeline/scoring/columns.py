"""The columns of rows that are scored: those of a request, and what is kept beside the scores."""

from __future__ import annotations

import dataclasses

from transform.declaration import Column, Declaration, History


@dataclasses.dataclass(frozen=True)
class ScoredColumns:
    """The columns that a row to be scored must have.

    Args:
        declaration: The declared features.
        kept: Names of columns that stand beside the scores; those that are no inputs of the model may hold anything.
    """

    declaration: Declaration
    kept: tuple[str, ...] = ()

    @property
    def inputs(self) -> tuple[Column, ...]:
        """What the model needs: neither the label nor the group."""
        return tuple(column for column in self.declaration.columns if column.side is not None)

    @property
    def columns(self) -> tuple[Column, ...]:
        names = {column.name for column in self.inputs}
        others = [Column(name, "list", False, None) for name in self.kept if name not in names]
        return (*self.inputs, *others)

    @property
    def histories(self) -> tuple[History, ...]:
        return self.declaration.histories
