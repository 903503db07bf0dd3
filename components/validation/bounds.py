"""The bounds a day's data must hold before anything is trained on it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class DataBounds:
    """The bounds of the data.

    Drift and skew are Jensen-Shannon divergences in bits, from 0 (the same distribution) to 1 (no token in common). What two
    samples of one distribution differ by, given their sizes, is added to the bounds (`components/validation/noise.py`), so
    that they need not be tuned to the size of a day.

    Args:
        max_drift: The most that a column may differ from the previous span. The default is what 6 % of the tokens
            make that turn into one unheard of, or a fifth that turn into one of ten; renamed ids make 1.
        max_skew: The same between the train and the eval split of one span.
        max_label_change: The bound of drift and skew for the label. Smaller, because a label has two values only: the
            default is a click rate of 0.1 that becomes 0.185, or 0.04 that becomes 0.1.
        max_change_of: Bounds of drift and skew for single features, by name.
        max_new_tokens: The largest share of a column's tokens that the previous span does not have, among those that it
            should have by its size. New items are a community's daily life; above the default the ids are likely of another
            kind.
        max_missing_change: How far the share of empty cells may move from one span to the next, up or down.
        min_rows: The least rows of a split.
        min_rows_ratio: The least rows of a split, as a ratio of the previous span's.
        domains: The closed domains: all tokens that a column may hold, by column. Other columns may hold any token.
        max_oov_rate: The largest share of a column's tokens in the eval split that are out of vocabulary. Generous by
            default, for the same reason as `max_new_tokens`; at the default, half of what the model sees of a column is one
            embedding. Columns are not summed up by vocabulary: histories are long, and would hide unknown candidates.
        max_oov_rate_of: The same for single columns, or for all columns of a vocabulary, by name; a column's own goes first.
        tolerated: What is reported as a warning and does not stop the run: a measure ('skew'), a feature ('topic_id'), or
            both ('topic_id:drift'). Skew is, by default: where the data comes as `train` and `eval` folders, the two may
            well differ, and where they are split by user, skew is chance.

    Raises:
        ValueError: A bound is out of its range.
    """

    max_drift: float = 0.03
    max_skew: float = 0.03
    max_label_change: float = 0.01
    max_change_of: Mapping[str, float] = dataclasses.field(default_factory=dict)
    max_new_tokens: float = 0.75
    max_missing_change: float = 0.2
    min_rows: int = 1
    min_rows_ratio: float = 0.1
    domains: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    max_oov_rate: float = 0.5
    max_oov_rate_of: Mapping[str, float] = dataclasses.field(default_factory=dict)
    tolerated: tuple[str, ...] = ("skew",)

    def __post_init__(self) -> None:
        shares: dict[str, float] = {
            field.name: getattr(self, field.name) for field in dataclasses.fields(self) if field.type == "float"
        }
        shares |= {f"max_change_of[{name}]": value for name, value in self.max_change_of.items()}
        shares |= {f"max_oov_rate_of[{name}]": value for name, value in self.max_oov_rate_of.items()}
        for name, value in shares.items():
            if not 0.0 <= value <= 1.0:
                raise ValueError(f"`{name}` must be between 0 and 1. Received: {value!r}.")
        if not isinstance(self.tolerated, tuple):
            raise ValueError(f"`tolerated` must be a tuple. Received: {self.tolerated!r}.")
        if self.min_rows < 1:
            raise ValueError(f"`min_rows` must be positive. Received: {self.min_rows!r}.")

    def tolerates(self, feature: str, measure: str) -> bool:
        """Whether a broken bound of the feature and the measure is a warning only."""
        return not {feature, measure, f"{feature}:{measure}"}.isdisjoint(self.tolerated)

    def max_oov_rate_for(self, column: str, vocabulary: str) -> float:
        """The largest out-of-vocabulary rate of a column that has this vocabulary."""
        return self.max_oov_rate_of.get(column, self.max_oov_rate_of.get(vocabulary, self.max_oov_rate))

    def to_json(self) -> str:
        """The bounds as JSON, the same for the same bounds."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> DataBounds:
        """The inverse of `to_json`."""
        values = json.loads(text)
        values["domains"] = {name: tuple(tokens) for name, tokens in values["domains"].items()}
        values["tolerated"] = tuple(values["tolerated"])
        return cls(**values)
