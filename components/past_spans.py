"""Resolves what the accepted spans before a run's own tell: for pictures of how the data and the models went on."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver

from components.accepted_spans import accepted_before
from components.artifacts import STATISTICS_ID
from components.data_identity import of_same_data
from components.properties import EVAL_SPAN, EXAMPLES_ID, number, span_of, text

EXAMPLES, STATISTICS, ANOMALIES, CARDS = "examples", "statistics", "anomalies", "model_cards"
BLESSING = "blessing"
ANCHOR, STATISTICS_ANCHOR = "anchor", "statistics_anchor"

Artifacts = dict[str, list[types.Artifact]]


class PastSpans(resolver.ResolverStrategy):
    """Picks what is known of the newest accepted spans before the run's own: rows, statistics, findings, and the models
    that they judged.

    Args:
        num_spans: The most spans to pick.

    Inputs: `examples`, `statistics`, `anomalies`, `model_cards` and `blessing` (every one of the pipeline), `anchor` and
    `statistics_anchor` (this run's examples and statistics). The same keys are returned, each oldest first, one for a span;
    empty for the first span, and for data without spans.
    """

    def __init__(self, num_spans: int) -> None:
        if num_spans < 1:
            raise ValueError(f"`num_spans` must be positive. Received: {num_spans!r}.")
        self._num_spans = num_spans

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        if not input_dict[ANCHOR] or not input_dict[STATISTICS_ANCHOR]:
            return None
        anchor, of_statistics = input_dict[ANCHOR][0], input_dict[STATISTICS_ANCHOR][0]
        picked = {}
        for kind, one, link in ((EXAMPLES, anchor, EXAMPLES_ID), (STATISTICS, of_statistics, STATISTICS_ID)):
            accepted = accepted_before(one, input_dict[kind], input_dict[BLESSING], link)
            picked[kind] = [each.subject for each in accepted if each.usable(one)][-self._num_spans :]
        known = {one.id for one in picked[STATISTICS] if one is not None}
        anomalies = {number(one, STATISTICS_ID): one for one in _by_age(input_dict[ANOMALIES])}
        judged = [one for one in of_same_data(anchor, input_dict[CARDS]) if text(one, EVAL_SPAN)]
        cards = {span_of(one): one for one in _by_age(judged) if span_of(one) < span_of(anchor)}
        return {
            **picked,
            ANOMALIES: sorted((one for key, one in anomalies.items() if key in known), key=span_of),
            CARDS: [cards[span] for span in sorted(cards)][-self._num_spans :],
            BLESSING: [],
            ANCHOR: [anchor],
            STATISTICS_ANCHOR: [of_statistics],
        }


def _by_age(artifacts: list[types.Artifact]) -> list[types.Artifact]:
    return sorted(artifacts, key=lambda one: one.id)
