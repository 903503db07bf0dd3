"""How strictly interaction CSVs are read, and what is kept of what was rejected. Standard library only."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

MAX_ROW_BYTES = 1 << 30


@dataclasses.dataclass(frozen=True)
class IngestionSettings:
    """Bounds of the example generator.

    Args:
        max_rejected_share: float in [0, 1]. A run fails when more than this share of the rows read is rejected.
        max_row_bytes: int. Bytes of a row, without its line end; a longer one is rejected. At most 1 GiB.
        max_list_length: int. Entries of a list in one cell; a row with a longer list is rejected. The declaration's
            `max_length` cuts lists later and rejects nothing; this bound is for what no user can have.
        dead_letter_received: int. Characters that a dead letter, and the message of a failed run, keep of what was received.
            With 0 no user data is written: file, line and rule remain.
        range_bytes: int. A plain file is cut into ranges of about this size, which are read in parallel; small files are put
            together up to it. Each range, or bundle, becomes one shard per split.

    Raises:
        ValueError: A value is out of its bounds, or of another type; the message names it.
    """

    max_rejected_share: float = 0.01
    max_row_bytes: int = 1 << 20
    max_list_length: int = 10_000
    dead_letter_received: int = 200
    range_bytes: int = 32 << 20

    def __post_init__(self) -> None:
        share = self.max_rejected_share
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 <= share <= 1:
            raise ValueError(f"`max_rejected_share` must lie between 0 and 1. Received: {share!r}.")
        for name, least in (("max_row_bytes", 1), ("max_list_length", 1), ("dead_letter_received", 0), ("range_bytes", 1)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ValueError(f"`{name}` must be a whole number, at least {least}. Received: {value!r}.")
        if self.max_row_bytes > MAX_ROW_BYTES:
            raise ValueError(f"`max_row_bytes` must be at most {MAX_ROW_BYTES}. Received: {self.max_row_bytes!r}.")

    def to_dict(self) -> dict[str, float]:
        """The settings as numbers by name."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> IngestionSettings:
        """The reverse of `to_dict`. Whole numbers may come as floats, as a protobuf Struct has them; absent is default.

        Raises:
            ValueError: A name is unknown, or a value is out of its bounds.
        """
        defaults = {field.name: field.default for field in dataclasses.fields(cls)}
        unknown = sorted(set(values) - set(defaults))
        if unknown:
            raise ValueError(f"Ingestion settings must be among {', '.join(defaults)}. Received: {', '.join(unknown)}.")
        return cls(**{name: _restored(value, defaults[name]) for name, value in values.items()})


def _restored(value: Any, default: Any) -> Any:
    is_whole = isinstance(default, int) and isinstance(value, float) and value.is_integer()
    return int(value) if is_whole else value
