"""The artifacts that validation puts out, and the names of their properties."""

from __future__ import annotations

from tfx.types import artifact

# Custom properties of ExampleAnomalies and of DataBlessing.
STATISTICS_ID = "statistics_id"
EXAMPLES_ID = "examples_id"
PREVIOUS_SPAN = "previous_span"
COLD_START = "cold_start"
SEVERE = "severe"
WARNINGS = "warnings"

_SPAN = artifact.Property(type=artifact.PropertyType.INT)


class DataBlessing(artifact.Artifact):
    """Says that a span's data passed the validation gate.

    Custom properties: `examples_id` and `statistics_id` are the ids of the artifacts that passed; `cold_start` is 1 if there
    was no accepted span to compare with, otherwise `previous_span` is its number.
    """

    TYPE_NAME = "DataBlessing"
    PROPERTIES = {"span": _SPAN}


class VocabularyCoverage(artifact.Artifact):
    """How much of the judging data the vocabularies cover.

    Custom properties: `oov_rate/<vocabulary>` and `oov_rate/<vocabulary>/<column>`, shares of tokens.
    """

    TYPE_NAME = "VocabularyCoverage"
