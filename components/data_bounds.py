"""The bounds a day's data must hold before anything is trained on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from settings.base import Settings, setting

Share = Annotated[float, Field(ge=0, le=1)]


class DataBounds(Settings):
    """Validating the data.

    Drift and skew are Jensen-Shannon divergences in bits, from 0 (the same distribution) to 1 (no token in common). What two
    samples of one distribution differ by, given their sizes, is added to the bounds (`example_validator/noise.py`), so that
    they need not be tuned to the size of a day.
    """

    max_drift: Share = setting(
        0.03,
        "The most that a column may differ from the last accepted span (Jensen-Shannon divergence). The default is "
        "what 6 % of the tokens make that turn into one unheard of, or a fifth that turn into one of ten; renamed "
        "ids make 1.",
        main=True,
    )
    max_skew: Share = setting(0.03, "The same between the train and the eval split of one span.")
    max_label_change: Share = setting(
        0.01,
        "The bound of drift and skew for the label. Smaller, because a label has two values only: the default is a "
        "click rate of 0.1 that becomes 0.185, or 0.04 that becomes 0.1.",
    )
    max_change_of: Mapping[str, Share] = setting({}, "Bounds of drift and skew for single features, by name.")
    max_new_tokens: Share = setting(
        0.75,
        "The largest share of a column's tokens that the previous span does not have, among those that it should "
        "have by its size. New items are a community's daily life; above the default the ids are likely of another "
        "kind.",
    )
    max_missing_change: Share = setting(
        0.2, "How far the share of empty cells may move from one span to the next, up or down."
    )
    min_rows: int = setting(1, "The least rows of a split.", main=True, ge=1)
    min_rows_ratio: Share = setting(0.1, "The least rows of a split, as a ratio of the previous span's.")
    domains: Mapping[str, tuple[str, ...]] = setting(
        {}, "The closed domains: all tokens that a column may hold, by column. Other columns may hold any token."
    )
    max_oov_rate: Share = setting(
        0.5,
        "The largest share of a column's tokens in the eval split that are out of vocabulary. Generous by default, as "
        "new items are; at the default, half of what the model sees of a column is one embedding. Columns are not summed "
        "up by vocabulary: histories are long, and would hide unknown candidates.",
        main=True,
    )
    max_oov_rate_of: Mapping[str, Share] = setting(
        {}, "The same for single columns, or for all columns of a vocabulary, by name; a column's own goes first."
    )
    tolerated: tuple[str, ...] = setting(
        ("skew",),
        "What only warns: a measure (`skew`), a feature (`topic_id`), or both (`topic_id:drift`). Skew does by "
        "default: train and eval folders may well differ, and where rows are split by user, skew is chance.",
        main=True,
    )

    def tolerates(self, feature: str, measure: str) -> bool:
        """Whether a broken bound of the feature and the measure is a warning only."""
        return not {feature, measure, f"{feature}:{measure}"}.isdisjoint(self.tolerated)

    def max_oov_rate_for(self, column: str, vocabulary: str) -> float:
        """The largest out-of-vocabulary rate of a column that has this vocabulary."""
        return self.max_oov_rate_of.get(column, self.max_oov_rate_of.get(vocabulary, self.max_oov_rate))
