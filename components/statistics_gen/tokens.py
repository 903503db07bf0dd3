"""Splits the cells of raw examples into tokens, column by column, so that '225,158' counts as two topics.

The rules are those of `transform/parsing.py`, which splits the same cells in the TensorFlow graph, except that nothing is
cut to a length and that empty tokens of histories are dropped: statistics describe what the logs hold.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, Declaration, weight_name

_WEIGHT = f"{WEIGHT_SEPARATOR}[^{WEIGHT_SEPARATOR}]*$"
_UP_TO_WEIGHT = f"^.*{WEIGHT_SEPARATOR}"
# What the tokens of a kind are; bytes if nothing is said.
_TYPES = {"numeric": pa.float32(), "sample_weight": pa.float32()}


def split_batch(batch: pa.RecordBatch, declaration: Declaration) -> pa.RecordBatch:
    """Splits a batch of raw examples.

    Args:
        batch: For each declared column a list column with one value a row: bytes, and int64 for the label.
        declaration: The declared columns.

    Returns:
        The same rows: for each column lists of tokens, bytes, int64 for the label, and float32 for numbers. A weighted list
        becomes two columns, its ids and, under `weight_name`, its float32 weights. A cell without a token is null: missing.

    Raises:
        ValueError: A row has no value, or several, in a column.
        pyarrow.ArrowInvalid: A weight or number is none; the message holds it.
    """
    columns: dict[str, pa.Array] = {}
    for column in declaration.columns:
        values = batch.column(column.name)
        if column.kind == "label":
            columns[column.name] = values
            continue
        cells = _cells(values, column.name)
        lists = _single(cells) if column.is_single else pc.split_pattern(cells, LIST_SEPARATOR)
        tokens = _without_empty(lists)
        if column.kind == "weighted_list":
            tokens, columns[weight_name(column.name)] = _split_weights(tokens)
        columns[column.name] = _map_flat(tokens, tokens.values.cast(_TYPES.get(column.kind, pa.large_binary())))
    return pa.RecordBatch.from_pydict(columns)


def _cells(values: pa.Array, name: str) -> pa.Array:
    """The one value of each row, as strings [rows]."""
    counts = pc.list_value_length(values)
    if values.null_count or not pc.all(pc.equal(counts, 1), min_count=0).as_py():
        raise ValueError(
            f"Each raw example must hold exactly one value of {name!r}. Received: {counts.unique().to_pylist()}."
        )
    # Arrow trims and splits strings only. The view copies nothing, and the kernels used here work on any bytes.
    return values.flatten().cast(pa.large_binary()).view(pa.large_string())


def _single(cells: pa.Array) -> pa.Array:
    return pa.LargeListArray.from_arrays(pa.array(np.arange(len(cells) + 1)), cells)


def _without_empty(lists: pa.Array) -> pa.LargeListArray:
    """Strips the blanks around tokens and drops empty tokens; a row that has none left becomes null."""
    tokens = pc.ascii_trim_whitespace(lists.flatten())
    kept = pc.greater(pc.binary_length(tokens), 0)
    rows = pc.list_parent_indices(lists).filter(kept).to_numpy(zero_copy_only=False)
    lengths = np.bincount(rows, minlength=len(lists))
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    return pa.LargeListArray.from_arrays(pa.array(offsets), tokens.filter(kept), mask=pa.array(lengths == 0))


def _split_weights(pairs: pa.LargeListArray) -> tuple[pa.LargeListArray, pa.LargeListArray]:
    """The ids and the weights of `id:weight` tokens."""
    ids = pc.ascii_trim_whitespace(pc.replace_substring_regex(pairs.values, _WEIGHT, ""))
    weights = pc.ascii_trim_whitespace(pc.replace_substring_regex(pairs.values, _UP_TO_WEIGHT, ""))
    return _map_flat(pairs, ids), _map_flat(pairs, weights.cast(pa.float32()))


def _map_flat(lists: pa.LargeListArray, values: pa.Array) -> pa.LargeListArray:
    """The same lists of other values."""
    return pa.LargeListArray.from_arrays(lists.offsets, values, mask=lists.is_null())
