"""Splits the raw columns' strings into ragged tokens, in the TensorFlow graph.

It follows the grammar of `transform/cells.py`, which ingestion has held the cells against. A serving request may not have
been checked, and stands in one batch with others: a malformed weight or number is NaN, by which its row is known.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import tensorflow as tf

from transform.cells import NUMBER_PATTERN, PAIR_PATTERN
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, History


def split_lists(cells: Mapping[str, tf.Tensor], max_lengths: Mapping[str, int]) -> dict[str, tf.RaggedTensor]:
    """Splits columns of lists, each strings [B], into the tokens of each cell, each [B, (L)].

    Empty tokens are dropped, blanks around them too; of the others the first `max_lengths[column]` are kept.
    """
    tokens, rows, count = _split(tf.concat([*cells.values()], axis=0))
    given = tf.cast(tf.not_equal(tokens, ""), tf.int64)
    lengths = tf.math.unsorted_segment_sum(given, rows, count)
    limits = tf.repeat(tf.constant([max_lengths[column] for column in cells], tf.int64), count // len(cells))
    position = tf.cumsum(given, exclusive=True) - tf.gather(tf.cumsum(lengths, exclusive=True), rows)
    kept = tf.logical_and(given > 0, position < tf.gather(limits, rows))
    return _columns([*cells], tokens, kept, tf.minimum(lengths, limits))


def split_weights(pairs: tf.RaggedTensor) -> tuple[tf.RaggedTensor, tf.RaggedTensor]:
    """Splits `id:weight` strings [B, (n)] into ids, strings [B, (n)], and weights, float32 [B, (n)].

    A pair that is malformed (`cells.is_pair`) has the weight NaN, and no other pair has.
    """
    separator = WEIGHT_SEPARATOR
    flat = pairs.flat_values
    ids = tf.strings.strip(tf.strings.regex_replace(flat, f"{separator}[^{separator}]*$", ""))
    text = tf.strings.strip(tf.strings.regex_replace(flat, f"^[^{separator}]*{separator}", ""))
    valid = tf.strings.regex_full_match(flat, PAIR_PATTERN)
    numbers = tf.strings.to_number(tf.where(valid, text, "0"), tf.float32)
    weights = tf.where(valid, numbers, float("nan"))
    return pairs.with_flat_values(ids), pairs.with_flat_values(weights)


def parse_numbers(cells: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Reads strings [B] as numbers, float64 [B], and says which are missing, bool [B]; they and malformed ones are NaN."""
    text = tf.strings.strip(cells)
    valid = tf.strings.regex_full_match(text, NUMBER_PATTERN)
    numbers = tf.strings.to_number(tf.where(valid, text, "0"), tf.float64)
    return tf.where(valid, numbers, tf.constant(float("nan"), tf.float64)), tf.equal(text, "")


def split_history(cells: Mapping[str, tf.Tensor], history: History) -> dict[str, tf.RaggedTensor]:
    """Splits the columns of a history, each strings [B], into aligned tokens, each [B, (T)], T <= `max_length`.

    The newest entries are kept: histories are written oldest first. An empty token keeps its position, so that the columns
    stay aligned; an empty cell has no position. Columns of unequal lengths, which ingestion refuses, are aligned at their
    newest end.
    """
    stacked = tf.concat([cells[column] for column in history.columns], axis=0)
    tokens, rows, count = _split(stacked)
    lengths = tf.math.unsorted_segment_sum(tf.ones_like(rows), rows, count)
    given = tf.where(tf.equal(tf.strings.strip(stacked), ""), tf.zeros_like(lengths), lengths)
    aligned = tf.reduce_min(tf.reshape(given, (len(history.columns), -1)), axis=0)
    newest = tf.tile(tf.minimum(aligned, history.max_length), [len(history.columns)])
    position = tf.range(tf.size(rows, tf.int64)) - tf.gather(tf.cumsum(lengths, exclusive=True), rows)
    return _columns(history.columns, tokens, position >= tf.gather(lengths - newest, rows), newest)


def _split(cells: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """The tokens of cells, strings [N] without blanks around them; the place of each one's cell, int64 [N]; how many cells
    there are. An empty cell has one token, which is empty.

    Several columns are split at once, and without ragged tensors, whose operations are ten nodes each: graphs are traced,
    written and loaded often.
    """
    split = tf.raw_ops.StringSplitV2(input=cells, sep=LIST_SEPARATOR)
    return tf.strings.strip(split.values), split.indices[:, 0], tf.size(cells, tf.int64)


def _columns(names: Sequence[str], tokens: tf.Tensor, kept: tf.Tensor, lengths: tf.Tensor) -> dict[str, tf.RaggedTensor]:
    """The kept ones of `_split`'s tokens by column, each [B, (L)], where `lengths` says how many each cell keeps."""
    by_column = tf.reshape(lengths, (len(names), -1))
    flat = tf.gather(tokens, tf.where(kept)[:, 0])
    parts = tf.split(flat, tf.reduce_sum(by_column, axis=1), num=len(names))
    return {
        name: tf.RaggedTensor.from_row_lengths(part, row_lengths, validate=False)
        for name, part, row_lengths in zip(names, parts, tf.unstack(by_column), strict=True)
    }
