"""Resolves the rolling window: the spans before this run's, which the model is trained on."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver

from components.accepted_spans import accepted_before
from components.properties import EXAMPLES_ID

EXAMPLES = "examples"
BLESSING = "blessing"
ANCHOR = "anchor"

Artifacts = dict[str, list[types.Artifact]]


class SpansBeforeAnchor(resolver.ResolverStrategy):
    """Picks the `num_spans` newest spans that are older than the anchor's, the latest version of each, oldest first.

    It looks back from this run's own examples, not from the newest in the store: the run of a past day must not train on
    later days. Only what has passed the validation gate counts; days without data do not. A span that was ingested again
    replaces what it was. What was ingested by another declaration has other columns, and is not joined.

    Args:
        num_spans: The most spans to pick.

    Inputs: `examples` (every span that was ever ingested), `blessing` (every DataBlessing) and `anchor` (this run's
    examples). The same keys are returned. `examples` is empty for the first span, and always for data without spans.
    `blessing` holds the blessings of the `num_spans` newest accepted spans, too, if one of them cannot be picked, because it
    is gone or of another declaration: so that the summary can say so.
    """

    def __init__(self, num_spans: int) -> None:
        if num_spans < 1:
            raise ValueError(f"`num_spans` must be positive. Received: {num_spans!r}.")
        self._num_spans = num_spans

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        if not input_dict[ANCHOR]:
            return None
        anchor = input_dict[ANCHOR][0]
        accepted = accepted_before(anchor, input_dict[EXAMPLES], input_dict[BLESSING], EXAMPLES_ID)
        window = [one for one in accepted if one.usable(anchor)][-self._num_spans :]
        newest = accepted[-self._num_spans :]
        told = [one.blessing for one in accepted if one in newest or one in window]
        return {EXAMPLES: [one.subject for one in window], BLESSING: told, ANCHOR: [anchor]}
