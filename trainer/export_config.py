"""The settings of the exported model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from transform.bounds import MAX_CANDIDATES, MAX_SCORES

# The users of a warm-up request of `rank`. Two, so that it takes twice the memory of the requests to come: glibc gives freed
# memory back to the system, and fetches it anew for each request, once it exceeds twice the largest piece ever freed.
WARMUP_USERS = 2


@dataclasses.dataclass(frozen=True)
class ExportConfig:
    """The settings of the exported model, checked.

    Args:
        warmup_candidates: For each of these numbers of candidates one request of `rank` is kept beside the model, which a
            server replays before the version answers its first request.
        max_candidates: The most candidates of a user, K, that `rank` and `explain` score.
        max_scores: The most scores that one request may ask for: B times K, or rows.

    Raises:
        ValueError: A value is out of its range; the message names it.
    """

    warmup_candidates: tuple[int, ...] = (100, 500)
    max_candidates: int = MAX_CANDIDATES
    max_scores: int = MAX_SCORES

    def __post_init__(self) -> None:
        received = self.warmup_candidates
        if not isinstance(received, list | tuple) or not all(_is_positive(count) for count in received):
            raise ValueError(f"`warmup_candidates` must hold positive integers. Received: {received!r}.")
        object.__setattr__(self, "warmup_candidates", tuple(received))
        for name in ("max_candidates", "max_scores"):
            if not _is_positive(getattr(self, name)):
                raise ValueError(f"`{name}` must be a positive integer. Received: {getattr(self, name)!r}.")
        if max(received, default=0) > min(self.max_candidates, self.max_scores // WARMUP_USERS):
            raise ValueError(
                f"`warmup_candidates` must be within `max_candidates` ({self.max_candidates}), and so often as there are "
                f"users ({WARMUP_USERS}) within `max_scores` ({self.max_scores}). Received: {received!r}."
            )

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON can hold them."""
        return dataclasses.asdict(self) | {"warmup_candidates": list(self.warmup_candidates)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ExportConfig:
        """The inverse of `to_dict`; what is left out has its default. Raises ValueError on an unknown name."""
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise ValueError(f"The settings of the export must be among {names}. Received: {unknown}.")
        return cls(**values)


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
