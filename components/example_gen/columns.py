"""What the reader needs to know of the columns that it reads. A `Declaration` tells it, and so can a part of one."""

from __future__ import annotations

from typing import Protocol

from transform.declaration import Column, History


class ColumnSet(Protocol):
    """The columns of a file that are read, in the order in which they are given, and the histories among them."""

    @property
    def columns(self) -> tuple[Column, ...]: ...

    @property
    def histories(self) -> tuple[History, ...]: ...
