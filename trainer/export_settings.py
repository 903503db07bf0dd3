"""The settings of the exported model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from settings.base import Settings, setting


class ExportSettings(Settings):
    """Exporting the model."""

    warmup_candidates: tuple[Annotated[int, Field(ge=1)], ...] = setting(
        (100, 500),
        "For each of these numbers of candidates one request of `rank` is kept beside the model, which a server "
        "replays before the version answers its first request.",
    )
