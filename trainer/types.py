"""Names for the types of this package's annotations."""

from __future__ import annotations

from typing import Any

# A tensor of Keras's backend, eager or symbolic. Keras exports no type of its own for both.
Tensor = Any
Shape = tuple[int | None, ...]
