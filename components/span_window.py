"""Resolves the rolling window: the spans before this run's, which the model is trained on."""

from __future__ import annotations

import ml_metadata as mlmd
from tfx import types
from tfx.dsl.components.common import resolver

from components.properties import DATA_ROOT, EXAMPLES_ID, SPAN_NAME, VERSION, span_of

EXAMPLES = "examples"
BLESSING = "blessing"
ANCHOR = "anchor"

Artifacts = dict[str, list[types.Artifact]]


class SpansBeforeAnchor(resolver.ResolverStrategy):
    """Picks the `num_spans` newest spans that are older than the anchor's, the latest version of each, oldest first.

    It looks back from this run's own examples, not from the newest in the store: the run of a past day must not train on
    later days. Only what has passed the validation gate counts; days without data do not. A span that was ingested again
    replaces what it was.

    Args:
        num_spans: The most spans to pick.

    Inputs: `examples` (every span that was ever ingested), `blessing` (every DataBlessing) and `anchor` (this run's
    examples). The same keys are returned; `examples` is empty for the first span, and always for data without spans.
    """

    def __init__(self, num_spans: int) -> None:
        if num_spans < 1:
            raise ValueError(f"`num_spans` must be positive. Received: {num_spans!r}.")
        self._num_spans = num_spans

    def resolve_artifacts(self, store: mlmd.MetadataStore, input_dict: Artifacts) -> Artifacts | None:
        if not input_dict[ANCHOR]:
            return None
        anchor = input_dict[ANCHOR][0]
        blessings = {blessing.get_int_custom_property(EXAMPLES_ID): blessing for blessing in input_dict[BLESSING]}
        latest: dict[int, types.Artifact] = {}
        for examples in sorted(input_dict[EXAMPLES], key=_age):
            if examples.id in blessings and _comparable(examples, anchor) and span_of(examples) < span_of(anchor):
                latest[span_of(examples)] = examples
        window = [latest[span] for span in sorted(latest)[-self._num_spans :]]
        return {EXAMPLES: window, BLESSING: [blessings[examples.id] for examples in window], ANCHOR: [anchor]}


def _age(examples: types.Artifact) -> tuple[int, int]:
    return examples.get_int_custom_property(VERSION), examples.id


def _comparable(examples: types.Artifact, anchor: types.Artifact) -> bool:
    """Whether both are spans of one data root; data without spans has no name of a span."""
    if not examples.get_string_custom_property(SPAN_NAME):
        return False
    return bool(examples.get_string_custom_property(DATA_ROOT) == anchor.get_string_custom_property(DATA_ROOT))
