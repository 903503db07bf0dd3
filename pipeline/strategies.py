"""How the nodes that look into the metadata store find what earlier runs have made."""

from __future__ import annotations

import dataclasses

from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import LatestBlessedModelStrategy

from components.freshness import PublishedOnLaterSpan
from components.latest_blessed_model import LatestBlessedBeforeCandidate
from components.previous_statistics import PreviousStatistics
from components.span_window import SpansBeforeAnchor
from components.warm_start_model import LastBlessedOfEarlierSpan

Strategy = type[ResolverStrategy]


@dataclasses.dataclass(frozen=True)
class Strategies:
    """The strategy of each resolver, by its node's id. Where there is none the node is not there, and what would take its
    outputs goes without.

    `latest_blessed_model` is this project's, or one that knows the model and its blessing alone, as TFX's does.
    """

    previous_statistics: Strategy | None = PreviousStatistics
    window: Strategy | None = SpansBeforeAnchor
    warm_start_model: Strategy | None = LastBlessedOfEarlierSpan
    latest_blessed_model: Strategy = LatestBlessedBeforeCandidate
    published_later: Strategy | None = PublishedOnLaterSpan


OWN = Strategies()
# Of TFX's own: no earlier span is known, and the baseline is the model that was blessed last.
OF_TFX = Strategies(None, None, None, LatestBlessedModelStrategy, None)
