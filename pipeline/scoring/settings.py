"""How rows are scored in bulk."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from settings.base import Settings, setting


class ScoringSettings(Settings):
    """Scoring rows in bulk, by `make score`."""

    score_version: Annotated[int, Field(ge=0)] | Literal["newest"] = setting(
        "newest", "Which published version scores: `newest`, or its number."
    )
    score_columns: tuple[str, ...] = setting(
        (), "Further columns of the input that stand beside the scores; the group's does where the input has it."
    )
    score_batch: int = setting(1024, "How many rows the model scores at a time.", ge=1)
