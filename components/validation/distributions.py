"""The distribution of each feature's values, from TFDV's statistics, and pairs of them made comparable."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from tensorflow_metadata.proto.v0 import statistics_pb2

from transform.features import Declaration, weight_name

# A token has a group of its own if it makes up this share of the tokens in either sample, and this number of independent
# ones; all others make up one group. So the groups are few, and each is large enough for its share to mean something,
# whatever the size of the vocabulary. Numbers are grouped by at most as many quantiles.
_OWN_SHARE = 0.01
_OWN_SIZE = 10
_QUANTILES = 10
_OTHERS = ""


@dataclasses.dataclass(frozen=True)
class Distribution:
    """The values of one feature in one split.

    Args:
        name: The feature's name.
        rows: The number of rows, missing values included.
        missing: The share of rows without a value.
        values: The number of values.
        counts: How often each token occurs; None if the feature is numeric.
        independent: The share of rows that are independent of each other. One user's rows repeat what is known of the user,
            so that for a column of the user's side it is the number of users over that of rows.
        statistics: TFDV's statistics of the feature.
    """

    name: str
    rows: int
    missing: float
    values: float
    counts: Mapping[str, float] | None
    independent: float
    statistics: statistics_pb2.FeatureNameStatistics

    @property
    def size(self) -> float:
        """The number of independent values. The numbers of one row depend on each other: weights may add up to 1."""
        rows = self.rows * (1.0 - self.missing)
        return self.independent * (rows if self.counts is None else self.values)

    def share(self, token: str) -> float:
        """The share of the values that are the token. The feature must not be numeric."""
        return (self.counts or {}).get(token, 0.0) / self.values

    @property
    def expected_new(self) -> float:
        """The share of another sample's values that this one does not have, if both are of one distribution.

        Estimated by the share of the tokens that occur once (Good and Turing). Where a user's rows repeat the same tokens, a
        token that occurs no more often than twice the rows of a user counts as one that occurs once.
        """
        once = 1.0 if self.independent == 1.0 else 2.0 / self.independent
        return self.unlisted + sum(count for count in (self.counts or {}).values() if count <= once) / self.values

    @property
    def unlisted(self) -> float:
        """The share of the values that are among no token's counts: those of the rarest tokens of a large vocabulary."""
        return max(0.0, 1.0 - sum((self.counts or {}).values()) / self.values)


def distributions(
    statistics: statistics_pb2.DatasetFeatureStatisticsList, declaration: Declaration
) -> dict[str, Distribution]:
    """The distributions of all features that are compared: all but the group, whose values are other users every day."""
    dataset = statistics.datasets[0]
    features = {feature.path.step[0]: feature for feature in dataset.features}
    rows = dataset.num_examples
    users = features[declaration.group].string_stats.unique if declaration.group in features else rows
    independent = min(1.0, users / rows) if rows else 1.0
    user_side = {name for column in declaration.side_columns("user") for name in (column, weight_name(column))}
    return {
        name: _distribution(feature, rows, independent if name in user_side else 1.0)
        for name, feature in features.items()
        if name != declaration.group
    }


def _distribution(feature: statistics_pb2.FeatureNameStatistics, rows: int, independent: float) -> Distribution:
    tokens = feature.HasField("string_stats")
    common = feature.string_stats.common_stats if tokens else feature.num_stats.common_stats
    buckets = feature.string_stats.rank_histogram.buckets
    return Distribution(
        name=feature.path.step[0],
        rows=rows,
        missing=1.0 - common.num_non_missing / rows if rows else 1.0,
        values=common.tot_num_values,
        counts={bucket.label: bucket.sample_count for bucket in buckets if bucket.sample_count > 0} if tokens else None,
        independent=independent,
        statistics=feature,
    )


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
    """Makes two distributions of one feature comparable. Both must have values."""
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
    _, ends, counts = _quantile_buckets(statistics)
    return float(ends[np.searchsorted(np.cumsum(counts) / counts.sum(), share)])


def _share_up_to(statistics: statistics_pb2.FeatureNameStatistics, bound: float) -> float:
    """The share of the numbers that are not above a bound; within a bucket they are taken to be spread evenly."""
    starts, ends, counts = _quantile_buckets(statistics)
    inside = np.clip(bound - starts, 0.0, None) / np.maximum(ends - starts, np.finfo(np.float64).tiny)
    return float(np.where(ends <= bound, counts, counts * np.clip(inside, 0.0, 1.0)).sum() / counts.sum())


def _quantile_buckets(statistics: statistics_pb2.FeatureNameStatistics) -> npt.NDArray[np.float64]:
    """Rows of the starts, the ends and the counts of the buckets."""
    quantiles = statistics_pb2.Histogram.QUANTILES
    histogram = next(one for one in statistics.num_stats.histograms if one.type == quantiles)
    return np.array([(one.low_value, one.high_value, one.sample_count) for one in histogram.buckets]).T


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
