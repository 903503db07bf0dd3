"""How much old state is kept."""

from __future__ import annotations

from settings.base import Settings, setting


class RetentionSettings(Settings):
    """Pruning old state."""

    keep_spans: int = setting(
        30,
        "The newest accepted spans of each data root that `make prune` keeps. The window and the span before it are kept in "
        "any case.",
        main=True,
        ge=1,
    )
    keep_versions: int = setting(3, "The newest published versions that it keeps.", main=True, ge=1)
    keep_runs: int = setting(3, "The newest runs that it keeps, with all they made.", main=True, ge=1)
    dead_letter_days: int = setting(
        30, "How long it keeps the rejected rows of kept spans; they hold user data.", main=True, ge=0
    )
    pinned: tuple[str, ...] = setting(
        (), "Further published versions that it keeps, such as one that a label of TensorFlow Serving names."
    )
