"""Resolves what drift is measured from: the statistics of the last accepted span before this run's own."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver

from components.properties import DATA_ROOT, VERSION, span_of
from components.validation.artifacts import STATISTICS_ID

STATISTICS = "statistics"
BLESSING = "blessing"
ANCHOR = "anchor"

Artifacts = dict[str, list[types.Artifact]]


class PreviousStatistics(resolver.ResolverStrategy):
    """Picks the statistics of the greatest accepted span below the run's own, in that span's latest version.

    Data without spans has the span 0 only, so that it never has a previous one. Nor has the first span of a data root.

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
        anchor = anchors[0]
        blessings = {
            blessing.get_int_custom_property(STATISTICS_ID): blessing
            for blessing in sorted(input_dict[BLESSING], key=lambda blessing: blessing.id)
        }
        earlier = [
            one
            for one in input_dict[STATISTICS]
            if one.id in blessings and span_of(one) < span_of(anchor) and _data_root(one) == _data_root(anchor)
        ]
        if not earlier:
            return {STATISTICS: [], BLESSING: [], ANCHOR: anchors}
        latest = max(earlier, key=_age)
        return {STATISTICS: [latest], BLESSING: [blessings[latest.id]], ANCHOR: anchors}


def _data_root(statistics: types.Artifact) -> str:
    return str(statistics.get_string_custom_property(DATA_ROOT))


def _age(statistics: types.Artifact) -> tuple[int, int, int]:
    return span_of(statistics), statistics.get_int_custom_property(VERSION), statistics.id
