"""The noise that is added to the bounds of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from components.example_validator.noise import divergence_noise, share_noise


def divergence(p: Any, q: Any) -> float:
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = [np.where(one > 0, one * np.log2(one / middle), 0.0).sum() for one in (p, q)]
    return float(sum(terms)) / 2


@pytest.mark.parametrize(("groups", "size", "other_size"), [(2, 500, 2000), (6, 100, 400), (40, 1000, 1000)])
def test_samples_of_one_distribution_stay_below_the_noise_and_near_it(groups: int, size: int, other_size: int) -> None:
    rng = np.random.default_rng(0)
    shares = rng.dirichlet(np.full(groups, 5.0))
    found = [
        divergence(rng.multinomial(size, shares) / size, rng.multinomial(other_size, shares) / other_size)
        for _ in range(1000)
    ]
    noise = divergence_noise(groups, size, other_size)
    assert np.mean(np.array(found) > noise) <= 0.002
    assert np.max(found) > noise / 4


def test_shares_of_two_samples_stay_within_the_noise() -> None:
    rng = np.random.default_rng(0)
    apart = np.abs(rng.binomial(400, 0.2, 1000) / 400 - rng.binomial(100, 0.2, 1000) / 100)
    assert np.mean(apart > share_noise(0.2, 400, 100)) <= 0.002


def test_noise_shrinks_with_the_samples_and_never_hides_a_day_of_other_ids() -> None:
    assert divergence_noise(10, 100_000, 100_000) < 0.001
    assert divergence_noise(10, 1, 1) == 0.5
