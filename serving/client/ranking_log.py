"""What a backend writes down of a ranking, a line of JSON each, for `make parity`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from serving.client.cells import Row
from serving.client.ranking import Ranking


def log_line(user: Row, ranking: Ranking, client_id: str | None = None, impression_ids: Sequence[str] | None = None) -> str:
    """A line of a log, without its end.

    Args:
        user: The user, as it was given to the client.
        ranking: What the client answered.
        client_id: What the user is known by, if clicks are to be joined by it.
        impression_ids: An id for each candidate, in the order of the request, if clicks are to be joined by them.
    """
    line: dict[str, object] = {"version": ranking.version, "user": dict(user)}
    line["candidates"] = [dict(candidate) for candidate in ranking.candidates]
    line["scores"] = [float(score) for score in ranking.scores]
    given: Mapping[str, object] = {"client_id": client_id, "impression_ids": impression_ids}
    return json.dumps(line | {name: value for name, value in given.items() if value is not None})
