"""Pairs of distributions, with rare tokens and numbers in groups, so that their divergence means something."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from components.example_validator.distributions import Distribution, quantile_buckets

# A token has a group of its own if it makes up this share of the tokens in either sample, and this number of independent
# ones; all others make up one group. So the groups are few, and each is large enough for its share to mean something,
# whatever the size of the vocabulary. Numbers are grouped by at most as many quantiles.
_OWN_SHARE = 0.01
_OWN_SIZE = 10
_QUANTILES = 10
_OTHERS = ""


@dataclasses.dataclass(frozen=True)
class Pair:
    """Two distributions of one feature, whose rare tokens are grouped alike.

    Args:
        statistics: TFDV's statistics of the first, in groups.
        reference: The same of the second.
        groups: In how many groups the values are counted.
        detail: For a person: the tokens whose shares differ most.
    """

    statistics: statistics_pb2.FeatureNameStatistics
    reference: statistics_pb2.FeatureNameStatistics
    groups: int
    detail: str


def pair(current: Distribution, reference: Distribution) -> Pair:
    """Makes two distributions of one feature comparable. Both must be `comparable` in themselves."""
    if current.counts is None or reference.counts is None:
        return _pair_of_numbers(current, reference)
    tokens = current.counts.keys() | reference.counts.keys()
    changes = {token: current.share(token) - reference.share(token) for token in tokens}
    least = max(_OWN_SHARE, _OWN_SIZE / min(current.size, reference.size))
    own = sorted(token for token in tokens if max(current.share(token), reference.share(token)) >= least)
    largest = sorted(own, key=lambda token: (-abs(changes[token]), token))[:3]
    detail = ", ".join(f"{token!r} {reference.share(token):.1%} to {current.share(token):.1%}" for token in largest)
    detail = detail or f"no token makes up {least:.1%}"
    groups = [{token: one.share(token) for token in own} for one in (current, reference)]
    for shares in groups:
        shares[_OTHERS] = 1.0 - sum(shares.values())
    return Pair(_grouped(current, groups[0]), _grouped(reference, groups[1]), len(own) + 1, detail)


def _pair_of_numbers(current: Distribution, reference: Distribution) -> Pair:
    """Groups numbers by quantiles of the reference. TFDV's alignment of two histograms errs where many numbers are equal."""
    size = min(current.size, reference.size)
    shares = np.linspace(0.0, 1.0, int(np.clip(size // _OWN_SIZE, 2, _QUANTILES)) + 1)[1:-1]
    edges = np.unique([_quantile(reference.statistics, share) for share in shares])
    groups = []
    for one in (current, reference):
        below = [0.0, *(_share_up_to(one.statistics, edge) for edge in edges), 1.0]
        groups.append({f"up to {edge}": share for edge, share in zip([*edges, np.inf], np.diff(below), strict=True)})
    means = [one.statistics.num_stats.mean for one in (reference, current)]
    detail = f"mean {means[0]:.4g} to {means[1]:.4g}"
    return Pair(_grouped(current, groups[0]), _grouped(reference, groups[1]), len(edges) + 1, detail)


def _quantile(statistics: statistics_pb2.FeatureNameStatistics, share: float) -> float:
    """The end of the bucket in which the smallest numbers reach a share of all."""
    _, ends, counts = quantile_buckets(statistics)
    return float(ends[np.searchsorted(np.cumsum(counts) / counts.sum(), share)])


def _share_up_to(statistics: statistics_pb2.FeatureNameStatistics, bound: float) -> float:
    """The share of the numbers that are not above a bound; within a bucket they are taken to be spread evenly."""
    starts, ends, counts = quantile_buckets(statistics)
    inside = np.clip(bound - starts, 0.0, None) / np.maximum(ends - starts, np.finfo(np.float64).tiny)
    return float(np.where(ends <= bound, counts, counts * np.clip(inside, 0.0, 1.0)).sum() / counts.sum())


def _grouped(distribution: Distribution, shares: Mapping[str, float]) -> statistics_pb2.FeatureNameStatistics:
    """Statistics of tokens that stand for the groups."""
    common = statistics_pb2.CommonStatistics(num_non_missing=distribution.rows, tot_num_values=int(distribution.values))
    grouped = statistics_pb2.FeatureNameStatistics(type=statistics_pb2.FeatureNameStatistics.STRING)
    grouped.path.step.append(distribution.name)
    grouped.string_stats.common_stats.CopyFrom(common)
    for rank, (group, share) in enumerate(shares.items()):
        if share > 0:
            count = share * distribution.values
            grouped.string_stats.rank_histogram.buckets.add(low_rank=rank, high_rank=rank, label=group, sample_count=count)
    return grouped
