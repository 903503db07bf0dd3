"""The settings of the exported model."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from settings.base import Settings, setting
from transform.bounds import MAX_CANDIDATES, MAX_SCORES

# The users of a warm-up request of `rank`. Two, so that it takes twice the memory of the requests to come: glibc gives freed
# memory back to the system, and fetches it anew for each request, once it exceeds twice the largest piece ever freed.
WARMUP_USERS = 2


class ExportSettings(Settings):
    """Exporting the model."""

    warmup_candidates: tuple[Annotated[int, Field(ge=1)], ...] = setting(
        (100, 500),
        "For each of these numbers of candidates one request of `rank` is kept beside the model, which a server replays "
        "before the version answers its first request.",
    )
    max_candidates: int = setting(MAX_CANDIDATES, "The most candidates of a user, K, that `rank` and `explain` score.", ge=1)
    max_scores: int = setting(
        MAX_SCORES,
        "The most scores that one request may ask for: B times K, or rows. It bounds the memory of a request.",
        ge=1,
    )

    @model_validator(mode="after")
    def _warmup_is_within_the_bounds(self) -> Self:
        if max(self.warmup_candidates, default=0) > min(self.max_candidates, self.max_scores // WARMUP_USERS):
            raise ValueError(
                f"`warmup_candidates` must be within `max_candidates` ({self.max_candidates}), and so often as there are "
                f"users ({WARMUP_USERS}) within `max_scores` ({self.max_scores}). Received: {self.warmup_candidates!r}."
            )
        return self
