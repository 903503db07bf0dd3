"""The settings of the exported model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """The settings of the exported model, checked.

    Args:
        warmup_candidates: For each of these numbers of candidates one request of `rank` is kept beside the model, which a
            server replays before the version answers its first request.

    Raises:
        ValueError: A value is out of its range; the message names it.
    """

    warmup_candidates: tuple[int, ...] = (100, 500)

    def __post_init__(self) -> None:
        received = self.warmup_candidates
        valid = isinstance(received, list | tuple)
        if not valid or any(not isinstance(count, int) or isinstance(count, bool) or count < 1 for count in received):
            raise ValueError(f"`warmup_candidates` must hold positive integers. Received: {received!r}.")
        object.__setattr__(self, "warmup_candidates", tuple(received))

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return {"warmup_candidates": list(self.warmup_candidates)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ExportConfig:
        """The inverse of `to_dict`; what is left out has its default. Raises ValueError on an unknown name."""
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise ValueError(f"The settings of the export must be among {names}. Received: {unknown}.")
        return cls(**values)
