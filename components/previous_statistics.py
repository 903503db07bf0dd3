"""Resolves what drift is measured from: the statistics of the last accepted span before this run's own."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver

from components.accepted_spans import accepted_before
from components.artifacts import STATISTICS_ID

STATISTICS = "statistics"
BLESSING = "blessing"
ANCHOR = "anchor"

Artifacts = dict[str, list[types.Artifact]]


class PreviousStatistics(resolver.ResolverStrategy):
    """Picks the statistics of the greatest accepted span below the run's own, in that span's latest version.

    Data without spans has the span 0 only, so that it never has a previous one. Nor has the first span of a data root.

    Only what passed the gate is a measure for later days: compared with a bad day, the next good one would look bad, and
    the next day of the same defect good. Nor is a span of another declaration a measure: its columns are others.

    Later spans than the run's own never count, so that a run of a past day resolves what it resolved that day, unless an
    earlier span has been ingested anew since; and the same run again is cached.

    Inputs: `statistics` and `blessing` (every ExampleStatistics and every DataBlessing in the pipeline's context) and
    `anchor` (the statistics of this run). The same keys are returned; `statistics` is empty if no earlier span has been
    accepted: a cold start. `blessing` ends with that of the last accepted span, also if its statistics cannot be picked.
    """

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        anchors = input_dict[ANCHOR]
        if not anchors:
            return None
        accepted = accepted_before(anchors[0], input_dict[STATISTICS], input_dict[BLESSING], STATISTICS_ID)
        picked = [one for one in accepted if one.usable(anchors[0])][-1:]
        told = picked + [one for one in accepted[-1:] if one not in picked]
        return {
            STATISTICS: [one.subject for one in picked],
            BLESSING: [one.blessing for one in told],
            ANCHOR: anchors,
        }
