"""The distribution of each feature's values, from TFDV's statistics, and pairs of them made comparable."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from tensorflow_metadata.proto.v0 import statistics_pb2

from transform.features import Declaration, weight_name

# A token has a group of its own if it makes up this share of the tokens in either sample; all others make up one group.
# So there are at most 200 groups, each with enough tokens to compare, whatever the size of the vocabulary.
_OWN_GROUP = 0.01
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
        """The number of independent values."""
        return self.values * self.independent

    def share(self, token: str) -> float:
        """The share of the values that are the token. The feature must not be numeric."""
        return (self.counts or {}).get(token, 0.0) / self.values

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
        buckets = [_quantiles(one.statistics) for one in (current, reference)]
        detail = " to ".join(f"mean {one.statistics.num_stats.mean:.4g}" for one in (reference, current))
        return Pair(current.statistics, reference.statistics, sum(buckets), detail)
    tokens = current.counts.keys() | reference.counts.keys()
    changes = {token: current.share(token) - reference.share(token) for token in tokens}
    own = sorted(t for t in tokens if max(current.share(t), reference.share(t)) >= _OWN_GROUP)
    largest = sorted(own, key=lambda token: (-abs(changes[token]), token))[:3]
    detail = ", ".join(f"{token!r} {reference.share(token):.1%} to {current.share(token):.1%}" for token in largest)
    return Pair(_grouped(current, own), _grouped(reference, own), len(own) + 1, detail)


def _quantiles(statistics: statistics_pb2.FeatureNameStatistics) -> int:
    quantiles = statistics_pb2.Histogram.QUANTILES
    return max(len(histogram.buckets) for histogram in statistics.num_stats.histograms if histogram.type == quantiles)


def _grouped(distribution: Distribution, own: list[str]) -> statistics_pb2.FeatureNameStatistics:
    counts = {token: distribution.share(token) * distribution.values for token in own}
    counts[_OTHERS] = distribution.values - sum(counts.values())
    grouped = statistics_pb2.FeatureNameStatistics()
    grouped.CopyFrom(distribution.statistics)
    del grouped.string_stats.rank_histogram.buckets[:]
    for rank, (token, count) in enumerate(counts.items()):
        if count > 0:
            grouped.string_stats.rank_histogram.buckets.add(low_rank=rank, high_rank=rank, label=token, sample_count=count)
    return grouped
