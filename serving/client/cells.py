"""Turns a caller's user and candidates into the cells that the signatures take, strings as in the CSV.

The rules are those of ingestion (`transform/cells.py`): the graph would score a row that breaks them as something else, or
as padding, without a word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from serving.client.errors import InvalidRequestError
from serving.client.transport import Strings
from transform import cells as grammar
from transform.bounds import MAX_CANDIDATES, MAX_SCORES
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, Column, Declaration, Side

Row = Mapping[str, object]
Request = tuple[Row, Sequence[Row]]

_RULES: dict[grammar.Rule, str] = {
    "required": "not be empty",
    "one-id": f"be a token without {LIST_SEPARATOR!r}",
    "weights": f"hold token{WEIGHT_SEPARATOR}weight, weight >= 0",
    "number": "be a finite number",
    "weight": "be a finite number >= 0",
}


def request_inputs(
    requests: Sequence[Request],
    declaration: Declaration,
    max_candidates: int = MAX_CANDIDATES,
    max_scores: int = MAX_SCORES,
) -> dict[str, Strings]:
    """The inputs of `rank` and `explain` for users, B, and each one's candidates.

    Args:
        requests: Pairs of a user and its candidates; see `user_cells`.
        declaration: The declared features.
        max_candidates: The most candidates of a user.
        max_scores: The most scores of the request: users times the longest number of candidates.

    Returns:
        The user's columns, strings [B], and the candidates' columns, strings [B, K], K being the longest number of
        candidates: where a user has fewer, empty cells pad.

    Raises:
        InvalidRequestError: There are too many candidates, a column is missing or unknown, or a value breaks the rule of its
            column.
    """
    width = max((len(candidates) for _, candidates in requests), default=0)
    if width > max_candidates:
        raise InvalidRequestError(f"A user must have at most {max_candidates} candidates. Received: {width}.")
    if width * len(requests) > max_scores:
        raise InvalidRequestError(
            f"A request must ask for at most {max_scores} scores. Received: {len(requests)} users, {width} candidates."
        )
    users = [user_cells(user, declaration) for user, _ in requests]
    items = [candidate_cells(candidates, declaration) for _, candidates in requests]
    inputs: dict[str, Strings] = {name: [cells[name] for cells in users] for name in declaration.side_columns("user")}
    for name in declaration.side_columns("item"):
        inputs[name] = [[cells[name] for cells in row] + [""] * (width - len(row)) for row in items]
    return inputs


def user_cells(user: Row, declaration: Declaration) -> dict[str, str]:
    """The user side's cells by column.

    Args:
        user: Every column of the user side, and no other. A token is a str or an int. A list or a history is a sequence of
            tokens, or a cell as in the CSV; a weighted list is a mapping of token to weight, a sequence of such pairs, or a
            cell; a number is a float, an int, or a cell. Empty ones are "", [] or {}.
        declaration: The declared features.

    Raises:
        InvalidRequestError: A column is missing or unknown, or a value breaks the rule of its column.
    """
    cells = _cells(user, "user", declaration, "The user")
    lengths = grammar.unaligned(cells, declaration.histories)
    if lengths is not None:
        raise InvalidRequestError(f"The columns of a history must have equal lengths. Received: {lengths}.")
    return cells


def candidate_cells(candidates: Iterable[Row], declaration: Declaration) -> list[dict[str, str]]:
    """The item side's cells of each candidate; see `user_cells`."""
    cells = [_cells(candidate, "item", declaration, f"Candidate {i}") for i, candidate in enumerate(candidates)]
    for i, row in enumerate(cells):
        if not any(row.values()):
            raise InvalidRequestError(
                f"A candidate must have a value, or it is padding. Received: all empty, candidate {i}."
            )
    return cells


def _cells(row: Row, side: Side, declaration: Declaration, who: str) -> dict[str, str]:
    if not isinstance(row, Mapping):
        raise InvalidRequestError(f"{who} must be a mapping of column to value. Received: {row!r}.")
    columns = [column for column in declaration.columns if column.side == side]
    names = {column.name for column in columns}
    missing = [column.name for column in columns if column.name not in row]
    if missing:
        raise InvalidRequestError(f"{who} must have the columns {sorted(names)}. Missing: {missing}.")
    unknown = [name for name in row if name not in names]
    if unknown:
        raise InvalidRequestError(f"{who} must have the columns {sorted(names)} only. Received also: {unknown}.")
    return {column.name: _cell(row[column.name], column, who) for column in columns}


def _cell(value: object, column: Column, who: str) -> str:
    where = f"`{column.name}` of {who[0].lower()}{who[1:]}"
    cell = grammar.strip(_JOIN[column.kind](value, where))
    try:
        cell.encode()
    except UnicodeEncodeError as error:
        raise InvalidRequestError(f"{where} must be valid Unicode. Received: {value!r}.") from error
    fault = grammar.fault(cell, column)
    if fault is not None:
        received = fault.received if fault.rule == "weights" else value
        raise InvalidRequestError(f"{where} must {_RULES[fault.rule]}. Received: {received!r}.")
    return cell


def _token(value: object, where: str) -> str:
    # A bool is an int to Python, and no token; a float has more than one spelling.
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidRequestError(f"{where} must be a token, a string. Received: {value!r}.")
    token = str(value)
    if LIST_SEPARATOR in token:
        raise InvalidRequestError(f"{where} must be a token without {LIST_SEPARATOR!r}. Received: {value!r}.")
    return token


def _number(value: object, where: str) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InvalidRequestError(f"{where} must be a number. Received: {value!r}.")
    return str(value)


def _list(value: object, where: str) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, Sequence):
        raise InvalidRequestError(f"{where} must be a list of tokens or a string. Received: {value!r}.")
    return LIST_SEPARATOR.join(_token(token, where) for token in value)


def _weighted_list(value: object, where: str) -> str:
    if isinstance(value, str):
        return value
    pairs = value.items() if isinstance(value, Mapping) else value
    if not isinstance(pairs, Iterable):
        raise InvalidRequestError(f"{where} must map tokens to weights. Received: {value!r}.")
    return LIST_SEPARATOR.join(_weighted_token(pair, where) for pair in pairs)


def _weighted_token(pair: object, where: str) -> str:
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        raise InvalidRequestError(f"{where} must hold pairs of token and weight. Received: {pair!r}.")
    token, weight = pair
    if isinstance(weight, bool) or not isinstance(weight, int | float | str):
        raise InvalidRequestError(f"{where} must have numbers as weights. Received: {weight!r}.")
    return f"{_token(token, where)}{WEIGHT_SEPARATOR}{weight}"


_JOIN: dict[str, Callable[[object, str], str]] = {
    "category": _token,
    "numeric": _number,
    "list": _list,
    "history": _list,
    "weighted_list": _weighted_list,
}
