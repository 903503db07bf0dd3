"""The distribution of each feature's values, from TFDV's statistics."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from tensorflow_metadata.proto.v0 import statistics_pb2

from transform.declaration import Declaration, weight_name


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

    @property
    def comparable(self) -> bool:
        """Whether there are tokens, or finite numbers."""
        return bool(self.counts) if self.counts is not None else quantile_buckets(self.statistics).size > 0

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


def quantile_buckets(statistics: statistics_pb2.FeatureNameStatistics) -> npt.NDArray[np.float64]:
    """The starts, the ends and the counts, [3, buckets], of a numeric feature's quantiles; only finite ones."""
    quantiles = statistics_pb2.Histogram.QUANTILES
    buckets = [bucket for one in statistics.num_stats.histograms if one.type == quantiles for bucket in one.buckets]
    table = np.array([(one.low_value, one.high_value, one.sample_count) for one in buckets]).reshape(-1, 3)
    return table[np.isfinite(table).all(axis=1)].T
