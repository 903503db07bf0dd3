"""Splits the raw columns' strings into ragged tokens, in the TensorFlow graph.

It follows the grammar of `transform/cells.py`, which ingestion has held the cells against. A serving request may not have
been checked, and stands in one batch with others: a malformed weight or number is NaN, by which its row is known.
"""

from __future__ import annotations

import tensorflow as tf

from transform.cells import NUMBER_PATTERN, PAIR_PATTERN
from transform.declaration import LIST_SEPARATOR, WEIGHT_SEPARATOR, History


def split_tokens(cells: tf.Tensor) -> tf.RaggedTensor:
    """Splits strings [B] into the tokens of each cell, [B, (tokens)]; empty tokens are dropped, blanks around them too."""
    tokens = tf.strings.split(cells, LIST_SEPARATOR)
    tokens = tf.ragged.map_flat_values(tf.strings.strip, tokens)
    return tf.ragged.boolean_mask(tokens, tf.not_equal(tokens, ""))


def keep_first(tokens: tf.RaggedTensor, max_length: int) -> tf.RaggedTensor:
    """The first `max_length` entries of each row."""
    return tokens[:, :max_length]


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


def split_history(cells: dict[str, tf.Tensor], history: History) -> dict[str, tf.RaggedTensor]:
    """Splits the columns of a history, each strings [B], into aligned tokens, each [B, (T)], T <= `max_length`.

    The newest entries are kept: histories are written oldest first. An empty token keeps its position, so that the columns
    stay aligned; an empty cell has no position. Columns of unequal lengths, which ingestion refuses, are aligned at their
    newest end.
    """
    tokens = {}
    lengths = []
    for column in history.columns:
        split = tf.strings.split(cells[column], LIST_SEPARATOR)
        tokens[column] = tf.ragged.map_flat_values(tf.strings.strip, split)
        blank = tf.equal(tf.strings.strip(cells[column]), "")
        lengths.append(tf.where(blank, tf.zeros_like(split.row_lengths()), split.row_lengths()))
    kept = tf.minimum(tf.reduce_min(tf.stack(lengths), axis=0), history.max_length)
    return {column: _newest(split, kept) for column, split in tokens.items()}


def _newest(tokens: tf.RaggedTensor, count: tf.Tensor) -> tf.RaggedTensor:
    """The last `count` [B] entries of each row."""
    lengths = tokens.row_lengths()
    first_kept = tf.repeat(lengths - count, lengths)
    kept = tf.ragged.range(lengths).flat_values >= first_kept
    return tf.ragged.boolean_mask(tokens, tokens.with_flat_values(kept))
