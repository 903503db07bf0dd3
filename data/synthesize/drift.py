"""What changes on a day on which the log drifts: who comes, or what there is to see. The planted signal does not."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Literal, get_args

DriftKind = Literal["clients", "topics", "both"]
DRIFT_KINDS: tuple[str, ...] = get_args(DriftKind)
_CLIENT_SHARE = 0.3
_DRIFTED_CLIENT_SHARE = 0.9


@dataclasses.dataclass(frozen=True)
class Population:
    """What a day's rows are drawn from.

    Args:
        client_share: float. Share of the rows whose client type is 1.
        topic_names: tuple. The token of each topic.
    """

    client_share: float
    topic_names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Drift:
    """A change that begins on a day and stays.

    Args:
        start: date. The first day that differs.
        kind: str. `clients`: client type 1 makes 90 % of the rows, not 30 %. `topics`: every second topic gives way,
            wherever it stood, to one that was never seen before. `both`.
    """

    start: datetime.date
    kind: DriftKind = "both"

    def __post_init__(self) -> None:
        if self.kind not in DRIFT_KINDS:
            raise ValueError(f"`kind` of a drift must be one of {DRIFT_KINDS}. Received: {self.kind!r}.")


def population(topics: int, day: datetime.date, drift: Drift | None) -> Population:
    """What the rows of `day` are drawn from, with `topics` topics."""
    kind = drift.kind if drift is not None and day >= drift.start else None
    share = _DRIFTED_CLIENT_SHARE if kind in ("clients", "both") else _CLIENT_SHARE
    replaced = kind in ("topics", "both")
    names = tuple(str(topic + topics) if replaced and topic % 2 else str(topic) for topic in range(topics))
    return Population(share, names)
