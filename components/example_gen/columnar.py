"""The columnar path: parses and checks a block of lines as columns, and gives each doubtful line to the strict path.

A row is accepted here only if the strict path accepts it, with the same cells; what is accepted here is a question of speed
alone, and which rule a row breaks is said by the strict path alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from components.example_gen.blocks import Block
from components.example_gen.columns import ColumnSet
from components.example_gen.header import Header, columns_at
from components.example_gen.line_scan import Lines, Mask, Offsets, find_lines, regular_lines
from components.example_gen.reader import LABELS, RowReader
from components.example_gen.rules import RowError
from components.example_gen.settings import IngestionSettings
from transform.cells import BLANK, BLANKS, NUMBER_PATTERN, WEIGHT_PATTERN
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, Column

# An entry with the blanks around it, which `cells.is_pair` does not have.
_NO_BLANK_ID = rf"[^{WEIGHT_SEPARATOR}{LIST_SEPARATOR}\t\n\v\f\r ][^{WEIGHT_SEPARATOR}{LIST_SEPARATOR}]*"
_PAIR = rf"(?:{BLANK}*{_NO_BLANK_ID}{WEIGHT_SEPARATOR}{WEIGHT_PATTERN})?"
_NUMBER = rf"^(?:{NUMBER_PATTERN})?$"
_WEIGHT = rf"^(?:{WEIGHT_PATTERN})?$"
_PAIRS = rf"^{_PAIR}(?:{LIST_SEPARATOR}{_PAIR})*$"


@dataclasses.dataclass(frozen=True)
class CheckedBlock:
    """What became of a block's lines.

    Args:
        rows: pa.Table. The accepted rows, in the order of the file: a string column for each declared one.
        lines: int64 [N]. The line of each accepted row, counted as the block's `line` is.
        rejected: The rejected rows' lines, and why.
        blank: int. The number of blank lines. Accepted, rejected and blank lines are all of the block's.
    """

    rows: pa.Table
    lines: Offsets
    rejected: Sequence[tuple[int, RowError]]
    blank: int


class BlockReader:
    """Reads the rows of one file, block by block.

    Args:
        header: The file's header.
        declaration: The declared columns.
        settings: The bounds of a row.
    """

    def __init__(self, header: Header, declaration: ColumnSet, settings: IngestionSettings) -> None:
        self._header = header
        self._declaration = declaration
        self._settings = settings
        self._columns = columns_at(header, declaration)
        self._strict = RowReader(header, declaration, settings)
        self._schema = pa.schema([(column.name, pa.string()) for column in declaration.columns])

    def read(self, block: Block) -> CheckedBlock:
        """Checks all lines of the block."""
        lines = find_lines(block.data)
        rows, indices = self._read_columns(lines)
        doubtful = np.ones(len(lines), bool)
        doubtful[indices] = False
        strict: dict[int, dict[str, str]] = {}
        rejected = []
        blank = 0
        for index in np.flatnonzero(doubtful).tolist():
            follower = lines.line(index + 1) if index + 1 < len(lines) else block.follower
            try:
                row = self._strict.read(lines.line(index), follower)
            except RowError as error:
                rejected.append((block.line + index, error))
                continue
            if row is None:
                blank += 1
            else:
                strict[index] = row
        if strict:
            rows = pa.concat_tables([rows, pa.Table.from_pylist(list(strict.values()), schema=self._schema)])
            indices = np.concatenate((indices, np.fromiter(strict, np.int64)))
            order = np.argsort(indices)
            rows, indices = rows.take(order), indices[order]
        return CheckedBlock(rows.combine_chunks(), block.line + indices, rejected, blank)

    def _read_columns(self, lines: Lines) -> tuple[pa.Table, Offsets]:
        """The rows that are good beyond doubt, and their indices among the lines."""
        regular = regular_lines(lines, self._header.width, self._header.delimiter, self._settings.max_row_bytes)
        indices = np.flatnonzero(regular)
        if not len(indices):
            return self._schema.empty_table(), indices
        table, invalid = self._parse(lines.joined(regular))
        indices = np.delete(indices, invalid)
        if len(table) != len(indices):
            # A line was not one record after all: none of the block's lines is beyond doubt.
            return self._schema.empty_table(), indices[:0]
        good = self._good(table)
        return table.filter(pa.array(good)), indices[good]

    def _parse(self, data: bytes) -> tuple[pa.Table, list[int]]:
        """The declared columns, trimmed, of the rows of the right width, and the indices of the other ones."""
        names = [str(position) for position in range(self._header.width)]
        declared = [names[position] for _, position in self._columns]
        invalid: list[int] = []

        def skip(row: csv.InvalidRow) -> str:
            invalid.append(row.number - 1)
            return "skip"

        table = csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            csv.ParseOptions(delimiter=self._header.delimiter, ignore_empty_lines=False, invalid_row_handler=skip),
            csv.ConvertOptions(
                check_utf8=False,  # it was checked line by line
                column_types=dict.fromkeys(declared, pa.string()),
                include_columns=declared,
                null_values=[],
                strings_can_be_null=False,
            ),
        )
        trimmed = [pc.ascii_trim(column, characters=BLANKS) for column in table.columns]
        return pa.table(trimmed, schema=self._schema).combine_chunks(), invalid

    def _good(self, table: pa.Table) -> Mask:
        good = np.ones(len(table), bool)
        for column, _ in self._columns:
            good &= _numpy(_is_good(table[column.name], column, self._settings.max_list_length))
        for history in self._declaration.histories:
            first, *others = (_lengths(table[name]) for name in history.columns)
            for other in others:
                good &= _numpy(pc.equal(first, other))
        return good


def _is_good(cells: pa.ChunkedArray, column: Column, max_list_length: int) -> pa.ChunkedArray:
    if column.kind == "label":
        return pc.is_in(cells, pa.array(LABELS))
    separators = pc.count_substring(cells, LIST_SEPARATOR)
    good = pc.less(separators, 1 if column.is_single else max_list_length)
    if column.required:
        good = pc.and_(good, pc.not_equal(cells, ""))
    if column.kind == "weighted_list":
        good = pc.and_(good, pc.match_substring_regex(cells, _PAIRS))
    if column.kind == "numeric":
        good = pc.and_(good, pc.match_substring_regex(cells, _NUMBER))
    if column.kind == "sample_weight":
        good = pc.and_(good, pc.match_substring_regex(cells, _WEIGHT))
    return good


def _lengths(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    """The number of entries of each cell; an empty cell has none."""
    return pc.if_else(pc.equal(cells, ""), -1, pc.count_substring(cells, LIST_SEPARATOR))


def _numpy(mask: pa.ChunkedArray) -> Mask:
    return mask.to_numpy()
