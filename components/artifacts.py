"""The artifacts that validation puts out, and the names of their properties."""

from __future__ import annotations

from tfx.types import artifact

# Custom properties of ExampleAnomalies; the first is one of DataBlessing, too.
STATISTICS_ID = "statistics_id"
PREVIOUS_SPAN = "previous_span"
COLD_START = "cold_start"
SEVERE = "severe"
WARNINGS = "warnings"


class DataBlessing(artifact.Artifact):
    """Says that a span's data passed the validation gate. `components.accepted_spans` reads it.

    Custom properties: those of the span's examples (`components.properties`), and `examples_id` and `statistics_id`, the ids
    of the artifacts that passed.
    """

    TYPE_NAME = "community_din.DataBlessing"


class VocabularyCoverage(artifact.Artifact):
    """How much of the judging data the vocabularies cover.

    Custom properties: `oov_rate/<vocabulary>` and `oov_rate/<vocabulary>/<column>`, shares of tokens.
    """

    TYPE_NAME = "community_din.VocabularyCoverage"


class ModelCardDocument(artifact.Artifact):
    """What a model is: `model_card.json` and `model_card.md`. Custom properties: `LINEAGE` and `FORCE`."""

    TYPE_NAME = "community_din.ModelCard"


class RunReport(artifact.Artifact):
    """What a run came to, for people: `report.html`, one file."""

    TYPE_NAME = "community_din.RunReport"
