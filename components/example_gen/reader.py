"""The strict path: reads a line at a time and says which rule a row breaks. Standard library only.

This is the one definition of the rules; the columnar path accepts only what this one accepts, and hands over the rest. A
record is one physical line, so that an unbalanced quote spoils its own row and not the rest of the file. Nothing is
inferred from the data: the declaration gives the types, and ids stay strings.
"""

from __future__ import annotations

from components.example_gen import rules
from components.example_gen.columns import ColumnSet
from components.example_gen.header import Header, columns_at, leaves_quote_open, split_cells
from components.example_gen.rules import RowError
from components.example_gen.settings import IngestionSettings
from transform import cells as grammar
from transform.declaration import Column

LABELS = ("0", "1")
_BROKEN: dict[grammar.Rule, rules.Rule] = {
    "required": rules.REQUIRED,
    "one-id": rules.ONE_ID,
    "weights": rules.WEIGHTS,
    "number": rules.NUMBER,
    "weight": rules.WEIGHT,
}


class RowReader:
    """Reads the rows of one file.

    Args:
        header: The file's header.
        declaration: The declared columns.
        settings: The bounds of a row.
    """

    def __init__(self, header: Header, declaration: ColumnSet, settings: IngestionSettings) -> None:
        self._header = header
        self._settings = settings
        self._columns = columns_at(header, declaration)
        self._histories = declaration.histories

    def read(self, line: bytes, follower: bytes = b"") -> dict[str, str] | None:
        """Reads one line.

        Args:
            line: The line, with or without its line end.
            follower: The file's next line, if there is one: it tells a line end inside quotes from a quote left open.

        Returns:
            The declared columns' cells by name, in the declared order; None for a blank line, which is no row.

        Raises:
            RowError: The row breaks a rule.
        """
        self._check_size(line)
        if not line.strip():
            return None
        cells = self._cells(line, follower)
        row = {column.name: self._checked(grammar.strip(cells[position]), column) for column, position in self._columns}
        lengths = grammar.unaligned(row, self._histories)
        if lengths is not None:
            received = "; ".join(f"{name} has {length}: {row[name]!r}" for name, length in lengths.items())
            raise RowError(rules.ALIGNED_HISTORY, received, columns=", ".join(lengths))
        return row

    def _check_size(self, line: bytes) -> None:
        content = line.removesuffix(b"\n").removesuffix(b"\r")
        limit = self._settings.max_row_bytes
        if len(content) > limit:
            raise RowError(rules.ROW_SIZE, repr(content[:limit]), limit=limit)

    def _cells(self, line: bytes, follower: bytes) -> list[str]:
        content = line.rstrip(b"\r\n")
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise RowError(rules.UTF_8, repr(content)) from error
        if "\0" in text:
            raise RowError(rules.NUL, repr(text))
        if "\r" in text or self._goes_on(text, follower):
            raise RowError(rules.NEWLINE_IN_QUOTES, repr(text))
        cells = split_cells(text, self._header.delimiter)
        if cells is None:
            raise RowError(rules.QUOTES, repr(text))
        if len(cells) != self._header.width:
            raise RowError(rules.ROW_WIDTH, f"{len(cells)} cells: {cells}", width=self._header.width)
        return cells

    def _goes_on(self, text: str, follower: bytes) -> bool:
        """Whether a quoted cell seems to go on in the next line: that one is not blank, and has not a row's shape."""
        if '"' not in text or not leaves_quote_open(text, self._header.delimiter):
            return False
        next_text = follower[: self._settings.max_row_bytes].rstrip(b"\r\n").decode("utf-8", "replace")
        cells = split_cells(next_text, self._header.delimiter)
        return bool(grammar.strip(next_text)) and (cells is None or len(cells) != self._header.width)

    def _checked(self, cell: str, column: Column) -> str:
        if column.kind == "label":
            if cell not in LABELS:
                raise RowError(rules.LABEL, repr(cell), column=column.name)
            return cell
        length, limit = grammar.entries(cell), self._settings.max_list_length
        if not column.is_single and length > limit:
            raise RowError(rules.LIST_LENGTH, f"{length} entries: {cell}", column=column.name, limit=limit)
        fault = grammar.fault(cell, column)
        if fault is not None:
            raise RowError(_BROKEN[fault.rule], repr(fault.received), column=column.name)
        return cell
