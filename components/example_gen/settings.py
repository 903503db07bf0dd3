"""How strictly interaction CSVs are read, and what is kept of what was rejected."""

from __future__ import annotations

from settings.base import Settings, setting

MAX_ROW_BYTES = 1 << 30


class IngestionSettings(Settings):
    """Reading the CSVs."""

    max_rejected_share: float = setting(
        0.01, "The run stops when more than this share of the rows read is rejected.", main=True, ge=0, le=1
    )
    max_row_bytes: int = setting(
        1 << 20, "Bytes of a row, without its line end; a longer one is rejected.", main=True, ge=1, le=MAX_ROW_BYTES
    )
    max_list_length: int = setting(
        10_000,
        "Entries of a list in one cell; a row with a longer list is rejected. The declaration's `max_length` cuts "
        "lists later and rejects nothing; this bound is for what no user can have.",
        main=True,
        ge=1,
    )
    dead_letter_received: int = setting(
        200,
        "Characters of a rejected row that its dead letter and the message of a failed run keep; 0 keeps no user "
        "data: file, line and rule remain.",
        main=True,
        ge=0,
    )
    range_bytes: int = setting(
        32 << 20,
        "A plain file is cut into ranges of about this many bytes, which are read in parallel; small files are put together "
        "up to it. Each range, or bundle, becomes one shard of each split.",
        ge=1,
    )
