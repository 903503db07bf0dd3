"""Resolves what drift is measured from: the statistics of the last accepted span before this run's own."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver

from components.statistics.executor import VERSION
from components.validation.artifacts import STATISTICS_ID

STATISTICS = "statistics"
BLESSING = "blessing"
ANCHOR = "anchor"

Artifacts = dict[str, list[types.Artifact]]


class PreviousStatistics(resolver.ResolverStrategy):
    """Picks the statistics of the greatest accepted span below the run's own, in that span's latest version.

    Only what passed the gate is a measure for later days: compared with a bad day, the next good one would look bad, and
    the next day of the same defect good. Later spans than the run's own never count, so that a run of a past day resolves
    what it resolved that day, unless an earlier span has been ingested anew since; and the same run again is cached.

    Inputs: `statistics` and `blessing` (every ExampleStatistics and every DataBlessing in the pipeline's context) and
    `anchor` (the statistics of this run). The same keys are returned; `statistics` and `blessing` are empty if no earlier
    span has been accepted: a cold start.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        anchors = input_dict[ANCHOR]
        if not anchors:
            return None
        span = anchors[0].span
        blessings = {
            blessing.get_int_custom_property(STATISTICS_ID): blessing
            for blessing in sorted(input_dict[BLESSING], key=lambda blessing: blessing.id)
        }
        earlier = [one for one in input_dict[STATISTICS] if one.id in blessings and one.span < span]
        if not earlier:
            return {STATISTICS: [], BLESSING: [], ANCHOR: anchors}
        latest = max(earlier, key=lambda one: (one.span, one.get_int_custom_property(VERSION), one.id))
        return {STATISTICS: [latest], BLESSING: [blessings[latest.id]], ANCHOR: anchors}
