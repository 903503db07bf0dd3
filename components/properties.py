"""The custom properties by which artifacts tell of their span."""

from __future__ import annotations

from tfx import types
from tfx.components.example_gen import utils

SPAN = utils.SPAN_PROPERTY_NAME
VERSION = utils.VERSION_PROPERTY_NAME
SPAN_NAME = "span_name"
DATA_ROOT = "data_root"
EXAMPLES_ID = "examples_id"


def span_of(artifact: types.Artifact) -> int:
    """The number of the span that an artifact holds; 0 if it has none."""
    return int(artifact.get_int_custom_property(SPAN))
