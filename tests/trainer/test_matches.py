"""Tests of what history and candidate have in common."""

import keras
import numpy as np

from trainer.matches import MatchBias, match_counts, token_matches

# One row, two candidates, three positions, two columns.
CANDIDATES = np.array([[[5, 7], [1, 0]]])
ENTRIES = np.array([[[5, 3], [5, 7], [1, 0]]])


def test_columns_match_one_by_one_and_jointly() -> None:
    expected = np.array([[True, False, False], [True, True, True], [False, False, False]])
    np.testing.assert_array_equal(token_matches(CANDIDATES, ENTRIES)[0, 0], expected)


def test_padding_and_unknown_tokens_match_nothing() -> None:
    assert not np.any(token_matches(CANDIDATES, ENTRIES)[0, 1])


def test_one_column_has_no_joint_match() -> None:
    assert token_matches(CANDIDATES[..., :1], ENTRIES[..., :1]).shape == (1, 2, 3, 1)


def test_matches_are_counted() -> None:
    counts = match_counts(token_matches(CANDIDATES, ENTRIES))
    np.testing.assert_allclose(counts[0, 0], np.array([1, 1, 1, np.log(3), np.log(2), np.log(2)]), rtol=1e-6)
    np.testing.assert_array_equal(counts[0, 1], np.zeros(6))


def test_the_bias_starts_at_zero_and_adds_matches_and_ages() -> None:
    matches, mask = token_matches(CANDIDATES, ENTRIES), np.array([[True, True, True]])
    layer = MatchBias()
    np.testing.assert_array_equal(layer(matches, mask), np.zeros((1, 2, 3)))
    layer.match.assign([0.1, 0.2, 0.4])
    layer.age.assign([1, 2, 3, 4, 5, 6, 7, 8])
    # The positions are 2, 1 and 0 positions old; ages 1 and 2 share a weight.
    np.testing.assert_allclose(layer(matches, mask), np.array([[[2.1, 2.7, 1], [2, 2, 1]]]), rtol=1e-6)


def test_padding_does_not_age_a_history() -> None:
    layer = MatchBias()
    layer.build((1, 1, 4, 1))
    layer.age.assign(np.arange(8.0))
    matches = np.zeros((1, 1, 4, 1), bool)
    np.testing.assert_array_equal(layer(matches, np.array([[True, False, True, False]]))[0, 0, ::2], [1, 0])


def test_old_positions_share_the_last_weight() -> None:
    layer = MatchBias()
    layer.build((1, 1, 300, 1))
    layer.age.assign(np.arange(8.0))
    bias = np.array(layer(np.zeros((1, 1, 300, 1), bool), np.ones((1, 300), bool)))[0, 0]
    np.testing.assert_array_equal(bias[[299, 298, 297, 296, 293, 292, 172, 0]], [0, 1, 1, 2, 2, 3, 7, 7])


def test_an_empty_history_has_no_bias() -> None:
    layer = MatchBias()
    assert layer(np.zeros((2, 3, 0, 3), bool), np.zeros((2, 0), bool)).shape == (2, 3, 0)
    assert keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer)).AGES == 8
