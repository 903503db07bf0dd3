"""How the `rank` command shows a ranking: as a table, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from serving.client.ranking import Attended, Explanation, RankedItem, Ranking

POSITION = "candidate"


def table(ranking: Ranking, items: Sequence[RankedItem], columns: Sequence[str], past: int) -> Table:
    """The items as rows, best first; with an explanation, beside each the `past` heaviest entries of the history.

    Args:
        ranking: What the server answered.
        items: The items to show.
        columns: The candidates' columns to show.
        past: How many history entries to show beside each item.
    """
    shown = Table()
    for name in ("rank", POSITION, *columns, "score"):
        shown.add_column(name, justify="right")
    if isinstance(ranking, Explanation):
        shown.add_column(_past_title(ranking))
    for rank, item in enumerate(items, start=1):
        cells = [Text(str(item.candidate[name])) for name in columns]
        row = [Text(str(rank)), Text(str(item.index)), *cells, Text(f"{item.score:.4f}")]
        if isinstance(ranking, Explanation):
            row.append(Text("\n".join(map(_past, ranking.attended(item.index, past))) or "-"))
        shown.add_row(*row)
    return shown


def as_json(ranking: Ranking, items: Sequence[RankedItem], past: int) -> str:
    """The same as a JSON list of objects."""
    rows: list[dict[str, Any]] = []
    for rank, item in enumerate(items, start=1):
        rows.append({"rank": rank, POSITION: item.index, **item.candidate, "score": item.score})
        if isinstance(ranking, Explanation):
            rows[-1]["attended"] = [vars(entry) for entry in ranking.attended(item.index, past)]
    return json.dumps(rows, indent=2, ensure_ascii=False)


def _past_title(explanation: Explanation) -> str:
    histories = [" / ".join(columns) for columns in explanation.tokens.values()]
    return f"{' or '.join(histories)} (attention weight)"


def _past(entry: Attended) -> str:
    return f"{' / '.join(entry.tokens.values())} ({entry.weight:.3f})"
